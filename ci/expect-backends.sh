#!/bin/sh
# Fails when a backend is missing that a script counts on, so that one left out by CMake is noticed.
#
#   sh ci/expect-backends.sh [--running] POLLUX NAME...
#       `POLLUX backends` lists each NAME; with --running, each also runs on this machine
#   sh ci/expect-backends.sh --compared FILE POLLUX NAME...
#       and FILE, the output of `POLLUX compare`, has a row for each NAME that runs here
#
# EMULATOR in the environment starts POLLUX, as in EMULATOR=wine64 for a program for Windows.
set -eu
. "$(dirname "$0")/help.sh"

running=no
compared=
while [ $# -gt 0 ]; do
    case $1 in
    --running) running=yes ;;
    --compared)
        compared=${2:?expect-backends: --compared needs a file}
        shift
        ;;
    *) break ;;
    esac
    shift
done
if [ $# -lt 2 ]; then
    script_about >&2
    exit 2
fi
pollux=$1
shift

list=$(${EMULATOR:-} "$pollux" backends | tr -d '\r')
missing=0
miss() {
    echo "expect-backends: $*" >&2
    missing=$((missing + 1))
}
for name in "$@"; do
    row=$(echo "$list" | grep "^$name " || true)
    if [ -z "$row" ]; then
        miss "\"$pollux backends\" does not list $name: CMake left it out; see its line" \
            "\"Backends of Pollux\""
        continue
    fi
    case $row in
    *"does not run here"*)
        [ "$running" = no ] || miss "$row"
        continue
        ;;
    esac
    # Colours may surround a row, and the carriage returns of Windows end it.
    [ -z "$compared" ] || tr -d '\r\033' < "$compared" | sed 's/^\[32m//' |
        grep -Eq "^$name +[0-9]+ +[0-9]+ " || miss "the comparison has no row for $name"
done
[ "$missing" -eq 0 ] || exit 1
echo "expect-backends: $(echo "$*" | tr ' ' ','): all there"
