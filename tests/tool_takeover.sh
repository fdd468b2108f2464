#!/bin/sh
# tests/tool_takeover.sh - replaces servers under load: pollux serve --takeover.
#
#   sh tests/tool_takeover.sh POLLUX [RESTARTS [REQUESTS]]
#
# For several policies a load runs while the server is replaced RESTARTS times (3). It must count no
# error and REQUESTS requests at least (3000). Then comes what may go wrong between two servers.
# Prints a line for each check, and ends with 0 only if all have passed.
set -u

if [ $# -lt 1 ]; then
    echo "usage: sh tests/tool_takeover.sh POLLUX [RESTARTS [REQUESTS]]" >&2
    exit 2
fi
. "$(dirname "$0")/tool_load.sh"
program=$1
restarts=${2:-3}
requests=${3:-3000}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tool-takeover.XXXXXX") || exit 2
control=$scratch/control
failures=0
running=
others=

# Ends what is still running, by its number.
clean_up() {
    for process in $running $others; do
        kill -KILL "$process" 2>/dev/null
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

passed() {
    echo "ok: $1"
}

failed() {
    echo "FAILED: $1"
    for file in "$scratch"/serve.* "$scratch/load" "$scratch/out"; do
        [ ! -s "$file" ] || sed "s|^|    ${file##*/}: |" "$file"
    done
    failures=$((failures + 1))
}

# Looks for a line in a file up to 600 times, a tenth of a second apart.
await() {
    tries=0
    while ! grep -q -e "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

# serve NUMBER ARGUMENT...: the server of that number, which is then $running. Its output has the
# same number.
serve() {
    output=$scratch/serve.$1
    shift
    : >"$output"
    "$program" serve --mode http --listen tcp://127.0.0.1:0 --takeover "$control" --drain 30 \
        "$@" >"$output" 2>&1 </dev/null &
    running=$!
}

# serve_first ARGUMENT...: the one that finds nobody. Its address is then $address.
serve_first() {
    rm -f "$scratch"/serve.*
    serve 0 "$@"
    await "$output" '^listening on ' || return 1
    address=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$output")
}

# Ends the server in order.
serve_end() {
    kill -TERM "$running"
    wait "$running"
    running=
}

# value NAME: a number of the load's report.
value() {
    tr -d ' \t' <"$scratch/load" | sed -n "s/^\"$1\":\([0-9]*\).*/\1/p"
}

# The servers one after the other, each $1 seconds after it serves. Sets $failure if one fails.
servers_replace() {
    pause=$1
    shift
    number=0
    while [ "$number" -lt "$restarts" ]; do
        old=$running
        old_output=$output
        others="$others $old"
        number=$((number + 1))
        serve "$number" "$@"
        if ! await "$output" '^took over '; then
            failure="number $number does not take over"
            return
        fi
        wait "$old"
        ended=$?
        if [ "$ended" -ne 0 ] || ! grep -q '^cut  *0' "$old_output"; then
            failure="number $((number - 1)) ended with $ended"
            return
        fi
        rm -f "$old_output"
        sleep "$pause"
    done
}

# replace ARGUMENT...: a load while servers replace each other. On a machine so busy that it gets
# too few answers in that time, it gets more time.
replace() {
    what="$restarts restarts, ${*:-one loop}"
    for pause in 0 1 10; do
        failure=
        if ! serve_first "$@"; then
            wait "$running"
            running=
            if grep -q 'it needs ' "$output"; then
                echo "skipped: $what: $(sed -n 1p "$output")"
            else
                failed "$what: it does not listen"
            fi
            return
        fi
        "$program" load --mode http --connections 16 --duration 3600 --json "$address" \
            >"$scratch/load" 2>&1 </dev/null &
        load=$!
        others="$others $load"
        servers_replace "$pause" "$@"
        kill -INT "$load"
        wait "$load"
        serve_end
        others=
        answered=$(value requests)
        [ -z "$failure" ] || break
        [ "${answered:-0}" -lt "$requests" ] || break
        failure="$answered requests are fewer than $requests"
    done
    figures="$answered requests, $(value retried) retried"
    if [ -n "$failure" ]; then
        failed "$what: $failure"
    elif ! tr -d ' \t\n' <"$scratch/load" | grep -q '"errors":\[\]'; then
        failed "$what: $figures, and errors"
    elif [ -e "$control" ]; then
        failed "$what: the control socket is left behind"
    else
        passed "$what: $figures, no error"
    fi
}

# backend NAME: whether it runs here.
backend() {
    "$program" backends | grep -q "^$1  *.*runs here"
}

replace
replace --loops 3
replace --loops 3 --dispatch kernel
replace --dispatch thread
for name in epoll uring; do
    if backend "$name"; then
        replace --backend "$name"
        replace --backend "$name" --loops 3 --dispatch shared
    fi
done

# --- what may go wrong ----------------------------------------------------------------------------

# expect WHAT STATUS PATTERN ARGUMENT...: how a server ends, and a line of what it prints.
expect() {
    what=$1
    status=$2
    pattern=$3
    shift 3
    "$program" serve --mode http "$@" >"$scratch/out" 2>&1 </dev/null
    ended=$?
    if [ "$ended" -eq "$status" ] && grep -q -e "$pattern" "$scratch/out"; then
        passed "$what"
    else
        failed "$what: ended with $ended, or nothing like \"$pattern\""
    fi
}

# The server still serves, and hands over to the next one.
serves_still() {
    if ! load_run "$scratch/out" "$program" load --mode http --connections 2 "$address" ||
        grep -q '^errors' "$scratch/out"; then
        failed "$1: it serves no more"
        return
    fi
    old=$running
    others=$old
    serve 1
    if await "$output" '^took over ' && wait "$old"; then
        passed "$1: it serves on, and hands over to the next one"
    else
        failed "$1: it hands over no more"
    fi
    others=
}

serve_first
"$program" load --connections 1 --duration 0.1 "unix:$control" >"$scratch/out" 2>&1
if await "$scratch/serve.0" 'does not take over: the other process speaks another protocol'; then
    serves_still "garbage on the control socket"
else
    failed "garbage on the control socket: not reported"
fi
serve_end

serve_first
expect "other policies than the old server's" 1 \
    '--dispatch kernel needs 2 sockets there, and there are more or fewer; use the --loops' \
    --listen tcp://127.0.0.1:0 --takeover "$control" --loops 2 --dispatch kernel
if await "$scratch/serve.0" 'does not take over: it ended before it served'; then
    serves_still "a process that cannot serve"
else
    failed "a process that cannot serve: not reported"
fi
serve_end

serve_first
kill -KILL "$running"
wait "$running" 2>/dev/null
running=
if serve_first && ! grep -q '^took over' "$output"; then
    passed "a dead server's path is taken"
else
    failed "a dead server's path is taken"
fi
serve_end

# Addresses come and go; socket files stay.
file=$scratch/web
serve_first --listen "unix:$file"
old=$running
others=$old
"$program" serve --mode http --listen "unix:$file" --takeover "$control" \
    >"$scratch/serve.1" 2>&1 </dev/null &
running=$!
if await "$scratch/serve.1" '^took over ' && wait "$old" &&
    grep -q 'tcp://127.0.0.1:0 is not served any more' "$scratch/serve.1" &&
    load_run "$scratch/out" "$program" load --mode http --connections 2 "unix:$file" &&
    ! grep -q '^errors' "$scratch/out"; then
    passed "a Unix-domain socket is taken over with its file"
else
    failed "a Unix-domain socket is taken over with its file"
fi
others=
serve_end

echo 'no socket' >"$scratch/file"
expect "a path that is a file" 1 "^pollux serve: --takeover $scratch/file: the address is in use" \
    --listen tcp://127.0.0.1:0 --takeover "$scratch/file" --until-stdin-ends
expect "a path in no directory" 1 "no such file or directory" \
    --listen tcp://127.0.0.1:0 --takeover "$scratch/none/control" --until-stdin-ends
expect "children have the sockets, too" 2 '--takeover is not for --dispatch prefork' \
    --listen tcp://127.0.0.1:0 --takeover "$control" --loops 2 --dispatch prefork
expect "an empty path" 2 '^pollux serve: --takeover: "" is no path' --takeover ""
expect "no inherited sockets" 1 '^pollux serve: --listen inherited:web: there is no such socket' \
    --listen inherited:web

[ "$failures" -eq 0 ] || echo "$failures checks failed"
[ "$failures" -eq 0 ]
