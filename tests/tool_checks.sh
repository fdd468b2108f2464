# shellcheck shell=sh
# tests/tool_checks.sh - what the scripts share that run the program pollux. They source it; their
# arguments are POLLUX [EMULATOR [ARGUMENT...]]. $failures counts the checks that failed.

if [ $# -lt 1 ]; then
    echo "usage: sh $0 POLLUX [EMULATOR [ARGUMENT...]]" >&2
    exit 2
fi
. "$(dirname "$0")/tool_load.sh"
program=$1
shift
emulator=$*
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tool-checks.XXXXXX") || exit 2
out=$scratch/out
running=
failures=0
python=$(command -v python3) || python=

# Ends what is still running, by its number.
clean_up() {
    [ -z "$running" ] || kill -KILL "$running" 2>/dev/null
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

pollux() {
    # The emulator may have arguments of its own.
    # shellcheck disable=SC2086
    $emulator "$program" "$@" </dev/null
}

passed() {
    echo "ok: $1"
}

failed() {
    echo "FAILED: $1"
    [ ! -s "$out" ] || sed 's/^/    /' "$out"
    failures=$((failures + 1))
}

# expect WHAT STATUS PATTERN ARGUMENT...: how the program ends, and a line of what it prints.
expect() {
    what=$1
    status=$2
    pattern=$3
    shift 3
    pollux "$@" >"$out" 2>&1
    ended=$?
    if [ "$ended" -ne "$status" ]; then
        failed "$what: ended with $ended, not $status"
    elif ! grep -q -e "$pattern" "$out"; then
        failed "$what: nothing like \"$pattern\""
    else
        passed "$what"
    fi
}

# expect_json WHAT ARGUMENT...: ends with 0, and prints JSON.
expect_json() {
    what=$1
    shift
    if ! pollux "$@" >"$out" 2>"$scratch/errors"; then
        cat "$scratch/errors" >>"$out"
        failed "$what: it failed"
    elif [ -n "$python" ] && ! "$python" -m json.tool <"$out" >/dev/null 2>"$scratch/errors"; then
        failed "$what: not JSON"
    else
        passed "$what"
    fi
}

# expect_load WHAT PATTERN ARGUMENT...: a load that gets answers, and no errors.
expect_load() {
    what=$1
    pattern=$2
    shift 2
    load_run "$out" pollux load "$@"
    ended=$?
    if [ "$ended" -ne 0 ]; then
        failed "$what: ended with $ended"
    elif grep -q -e '^errors' -e 'unanswered' "$out" || ! grep -q -e "$pattern" "$out"; then
        failed "$what: errors, or nothing like \"$pattern\""
    elif ! awk -v least="$seconds" '/^requests/ && $4 < least { exit 1 }' "$out"; then
        failed "$what: ended before its time"
    else
        passed "$what"
    fi
}

# Looks for a line in a file up to 300 times, a tenth of a second apart.
await() {
    tries=0
    while ! grep -q -e "$2" "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || return 1
        sleep 0.1
    done
}

# serve ARGUMENT...: starts a server on a port of the system's choice. Its address is then $address.
serve() {
    : >"$scratch/serve"
    # shellcheck disable=SC2086
    $emulator "$program" serve --listen tcp://127.0.0.1:0 "$@" \
        >"$scratch/serve" 2>&1 </dev/null &
    running=$!
    if ! await "$scratch/serve" '^listening on '; then
        cp "$scratch/serve" "$out"
        failed "serve $*: it does not listen"
        exit 1
    fi
    # shellcheck disable=SC2034
    address=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$scratch/serve")
}

# Interrupts the server, which is to end in order and with a summary. The shell may have told it to
# ignore SIGINT, as it does with what runs in the background; the program listens all the same.
serve_end() {
    kill -INT "$running"
    wait "$running"
    ended=$?
    running=
    cp "$scratch/serve" "$out"
    if [ "$ended" -ne 0 ]; then
        failed "$1: ended with $ended after an interrupt"
    elif ! grep -q '^connections  *[1-9]' "$out"; then
        failed "$1: no summary"
    else
        passed "$1: ends in order, with a summary"
    fi
}
