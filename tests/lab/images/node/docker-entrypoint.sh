#!/bin/sh
# As the official image does: arguments that are no command are arguments of node.
set -e
case "${1:-node}" in
  -*) exec node "$@" ;;
esac
command -v "$1" >/dev/null 2>&1 || exec node "$@"
exec "$@"
