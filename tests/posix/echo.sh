#!/bin/sh
# echo.sh EMULATOR SERVER CLIENT: the example serves several clients at once, and all get their own.
set -eu
emulator=$1
server=$2
client=$3
work=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

: > "$work/server"
# shellcheck disable=SC2086
$emulator "$server" 0 > "$work/server" < /dev/null 2>&1 &
pid=$!
tries=0
until port=$(sed -n 's/^listening on port \([0-9]*\).*/\1/p' "$work/server") && [ -n "$port" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || exit 1
    sleep 0.1
done
# shellcheck disable=SC2086
$emulator "$client" "$port" 20 200000
