#!/bin/sh
# Hands the settings of the mounted file to the service as its environment: they are in no image, no `docker inspect` and no
# command line. The file holds NAME='value' lines for the shell; written by halobuzz.platform, role config.
set -eu
set -a
. /run/secrets/environment
set +a
exec "$@"
