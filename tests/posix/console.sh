#!/bin/sh
# console.sh EMULATOR CONSOLE: the program with a console at 0 and 2, where what it asks for is
# typed; prints what it says at 1.
set -eu
emulator=$1
console=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/keys"
: > "$work/out"

# script(1) gives the terminal; it types what comes through the pipe.
typist() {
    exec 3> "$work/keys"
    typed=0
    while [ ! -e "$work/ended" ]; do
        line=$(sed -n '/^type /p' "$work/out" | sed -n "$((typed + 1))p" | tr -d '\r')
        if [ -n "$line" ]; then
            printf '%s\r' "${line#type }" >&3 # As the key Enter does.
            typed=$((typed + 1))
        else
            sleep 0.05
        fi
    done
}
typist &
script -qec "$emulator '$console' > '$work/out'" /dev/null < "$work/keys" > /dev/null || true
: > "$work/ended"
wait
tr -d '\r' < "$work/out"
