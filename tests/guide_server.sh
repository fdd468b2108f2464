#!/bin/sh
# tests/guide_server.sh - starts a server of the guide, and has the guide's client talk to it.
#
#   sh tests/guide_server.sh EXIT_CODE SERVER CLIENT [EMULATOR...]
#
# The server gets tcp://127.0.0.1:0 as its argument and prints "listening on ADDRESS". The client
# sends a line and must print an answer. Then SIGTERM must end the server with EXIT_CODE: 0 if it
# handles the signal, 143 if it does not. An emulator does not pass the signal on: there the server
# is killed, and its exit code says nothing. Every wait here ends when the caller's time is up.
set -u

if [ $# -lt 3 ]; then
    echo "usage: sh tests/guide_server.sh EXIT_CODE SERVER CLIENT [EMULATOR...]" >&2
    exit 2
fi
expected=$1
server=$2
client=$3
shift 3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/guide-server.XXXXXX") || exit 2
started=

clean_up() {
    [ -z "$started" ] || kill -KILL "$started" 2> /dev/null
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "$1"
    exit 1
}

mkfifo "$scratch/output" || exit 2
"$@" "$server" tcp://127.0.0.1:0 > "$scratch/output" 2>&1 < /dev/null &
started=$!
exec 3< "$scratch/output"
address=
while [ -z "$address" ] && read -r line <&3; do
    echo "$line"
    address=$(echo "$line" | tr -d '\r' | sed -n 's/^listening on \([^ ]*\).*/\1/p')
done
[ -n "$address" ] || fail "the server does not listen"

answer=$("$@" "$client" "$address" hello 2>&1 < /dev/null 3<&-) || fail "the client: $answer"
[ -n "$answer" ] || fail "the client printed no answer"
echo "$answer"

[ $# -eq 0 ] || exit 0
kill -TERM "$started"
wait "$started"
code=$?
started=
cat <&3
[ $code -eq "$expected" ] || fail "the server ended with $code, not with $expected"
