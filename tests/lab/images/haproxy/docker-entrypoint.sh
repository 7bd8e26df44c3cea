#!/bin/sh
# As the official image does: options mean haproxy, which runs as master and worker in the foreground.
set -e
case "${1:-haproxy}" in
  -*) set -- haproxy "$@" ;;
esac
if [ "$1" = haproxy ]; then
  shift
  exec haproxy -W -db "$@"
fi
exec "$@"
