#!/bin/sh
# As the official image does: options or a *.conf file mean redis-server, which runs as redis (uid 999).
set -e
case "${1:-redis-server}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis '{}' +
  exec setpriv --reuid=999 --regid=999 --init-groups "$@"
fi
exec "$@"
