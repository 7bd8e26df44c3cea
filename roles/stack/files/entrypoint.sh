#!/bin/sh
# Hands the settings of the mounted file to the service as its environment: they are in no image, no `docker inspect` and no
# command line. The file holds NAME='value' lines for the shell; written by halobuzz.platform, role config.
#
# Holds SIGTERM back: the service dies of it at once, in the middle of its answers. When Swarm stops a task, its name leaves the
# DNS first; the edge asks for it twice a second and sends nothing new, and what is under way gets HALOBUZZ_DRAIN_SECONDS to end.
set -eu
drain_seconds=${HALOBUZZ_DRAIN_SECONDS:-0}
set -a
. /run/secrets/environment
set +a

"$@" &
service=$!
trap '{ sleep "$drain_seconds"; kill -TERM "$service" 2>/dev/null; } & trap "" TERM INT' TERM INT
# A signal ends `wait`, not the service.
while :; do
  code=0
  wait "$service" || code=$?
  kill -0 "$service" 2>/dev/null || exit "$code"
done
