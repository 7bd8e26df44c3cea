#!/bin/sh
# As the official image does where the collection uses it: options mean mongod, listen on every address, and
# mongod runs as mongodb (uid 999) when the container starts as root. It makes no users: the collection does.
set -e
case "${1:-mongod}" in
  -*) set -- mongod "$@" ;;
esac
if [ "$1" = mongod ]; then
  case " $* " in
    *" --bind_ip"* | *" --config "* | *" -f "*) ;;
    *) set -- "$@" --bind_ip_all ;;
  esac
  if [ "$(id -u)" = 0 ]; then
    find /data/db /data/configdb ! -user mongodb -exec chown mongodb '{}' +
    exec setpriv --reuid=999 --regid=999 --init-groups "$@"
  fi
fi
exec "$@"
