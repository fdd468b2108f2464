#!/bin/sh
# peers.sh EMULATOR PEERS: both ends, each in a process; their output, of which the last line counts
# what went wrong in either.
set -eu
emulator=$1
peers=$2
work=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT
cd "$work" # A relative path is one for Wine too.

: > server
# shellcheck disable=SC2086
$emulator "$peers" serve socket > server < /dev/null 2> /dev/null &
pid=$!
tries=0
until grep -q ready server; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || exit 1
    sleep 0.1
done
# shellcheck disable=SC2086
$emulator "$peers" ask socket < /dev/null > client || true
wait "$pid" || true
pid=
cat server client
echo "both: $(cat server client | grep -c '^ok') and $(cat server client | grep -c FAILED) failed"
