#!/bin/sh
# tests/tool_compare.sh - runs `pollux compare` as its users would, and looks at what comes out.
#
#   sh tests/tool_compare.sh POLLUX [EMULATOR [ARGUMENT...]]
#
# Prints a line for each check, and ends with 0 only if all have passed.
set -u
. "$(dirname "$0")/tool_checks.sh"

default=$(pollux backends | tr -d '\r' | sed -n 's/^\([a-z]*\)  *default .*/\1/p')

# --- backends -------------------------------------------------------------------------------------

pollux backends | tr -d '\r' | sed -n 's/^\([a-z]*\) .* runs here.*/\1/p' >"$scratch/backends"
expect "compare" 0 '^backend  *connections' compare --seconds 0.6 --connections 2
while read -r backend; do
    if grep -q "^$backend  *2 " "$out"; then
        passed "compare: a row for $backend"
    else
        failed "compare: no row for $backend"
    fi
done <"$scratch/backends"
expect_json "compare as JSON" compare --seconds 0.3 --connections 1,2 --mode echo --json

# end_early WHAT SIGNAL STATUS PATTERN ARGUMENT...: a comparison that a signal ends after its first
# measurement.
end_early() {
    what=$1
    signal=$2
    status=$3
    pattern=$4
    shift 4
    : >"$scratch/compare"
    # shellcheck disable=SC2086
    $emulator "$program" compare --seconds 6 --backends "$default" "$@" \
        >"$out" 2>"$scratch/compare" </dev/null &
    running=$!
    if ! await "$scratch/compare" ' 2 connections'; then
        failed "$what: it does not measure"
        return
    fi
    kill -"$signal" "$running"
    wait "$running"
    ended=$?
    running=
    cat "$scratch/compare" >>"$out"
    if [ "$ended" -ne "$status" ]; then
        failed "$what: ended with $ended, not $status"
    elif ! grep -q -e "$pattern" "$out" || ! grep -q 'interrupted; the table has' "$out"; then
        failed "$what: nothing like \"$pattern\""
    else
        passed "$what"
    fi
}
some=1,2,3,4,5,6,7,8
end_early "compare, interrupted" INT 130 "^$default  *1  *[1-9]" --connections $some
end_early "compare, interrupted, as JSON" INT 130 '"interrupted":.*true' --connections $some --json
end_early "compare --dispatch, interrupted" INT 130 '^inline  *1  *[1-9]' --connections $some \
    --dispatch inline,round-robin
# Windows has no SIGTERM for processes.
[ -n "$emulator" ] ||
    end_early "compare, terminated" TERM 143 "^$default  *1  *[1-9]" --connections $some

# --- policies -------------------------------------------------------------------------------------

workloads='keep-alive connect block slow'

# offered POLICY...: those of them that a server on the backend can have.
offered() {
    for policy in "$@"; do
        grep -q "leaving out $policy on " "$scratch/errors" || echo "$policy"
    done
}

# rows_check POLICY...: one row for each workload and policy, with requests, without errors; with
# connects where each request has one, and slow where the handler is.
rows_check() {
    for workload in $workloads; do
        for policy in "$@"; do
            row=$(tr -d '\r' <"$out" | awk -v workload="$workload:" -v policy="$policy" '
                / connections$/ { is_here = $1 == workload }
                is_here && $1 == policy {
                    print $2, ($3 > 0), ($5 > 0), workload == "block:" && $6 < 900 }')
            loops=2
            case $policy in inline | thread | fork) loops=1 ;; esac
            connects=0
            [ "$workload" != connect ] || connects=1
            if [ "$row" != "$loops 1 $connects 0" ]; then
                failed "compare --dispatch: $workload, $policy: \"$row\""
                return
            fi
        done
    done
    if grep -q ' errors$' "$out"; then
        failed "compare --dispatch: errors"
    else
        passed "compare --dispatch: a row for each workload and policy"
    fi
}

# A server has what its row is of. `ps` shows the processes of this system alone.
if [ -z "$emulator" ] && ps -o args= -p $$ >/dev/null 2>&1; then
    "$program" compare --dispatch round-robin --loops 3 --workloads block --connections 2 \
        --seconds 60 >"$out" 2>&1 &
    running=$!
    tries=0
    until ps -e -o ppid= -o args= | sed -n "s/^ *$running //p" |
        grep -q 'serve .* --loops 3 --dispatch round-robin --block 1'; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || break
        sleep 0.1
    done
    kill -INT "$running"
    wait "$running"
    running=
    if [ "$tries" -lt 300 ]; then
        passed "compare --dispatch: the server has what its row is of"
    else
        failed "compare --dispatch: the server has what its row is of"
    fi
fi

policies=$(pollux serve --help | tr -d '\r' |
    sed -n '/^  --dispatch /,/^  --pin /s/^                           \([a-z-]*\)  .*/\1/p')
if [ -n "${POLLUX_HAS_TSAN:-}" ]; then # It has a thread of its own, and then nothing forks.
    policies=$(echo "$policies" | grep -v fork)
fi
# A row of a busy machine may have no request; a longer one has.
for seconds in 0.6 3 30; do
    pollux compare --dispatch "$(echo "$policies" | paste -s -d , -)" --seconds "$seconds" \
        --connections 8 --loops 2 >"$out" 2>"$scratch/errors"
    ended=$?
    awk '$2 ~ /^[0-9]+$/ && $3 == 0 { exit 1 }' "$out" && break
done
if [ "$ended" -eq 0 ]; then
    # shellcheck disable=SC2046,SC2086
    rows_check $(offered $policies)
else
    cat "$scratch/errors" >>"$out"
    failed "compare --dispatch: ended with $ended"
fi
expect_json "compare --dispatch as JSON" compare --dispatch=round-robin,inline --json \
    --seconds 0.3 --connections 2,3 --workloads connect,slow
if [ "$(grep -c '"policy":' "$out")" -eq 8 ] && grep -q '"connects_per_second":.*[1-9]' "$out" &&
    ! grep -q '"errors":.*[1-9]' "$out"; then
    passed "compare --dispatch as JSON: its rows"
else
    failed "compare --dispatch as JSON: its rows"
fi
if pollux backends | grep -q '^select '; then
    expect "a policy that the backend lacks" 0 'leaving out shared on select: it needs .*"round' \
        compare --dispatch shared,inline --backends select --seconds 0.3 --workloads keep-alive \
        --connections 2
    expect "nothing but policies that the backend lacks" 1 'none of these policies works here' \
        compare --dispatch shared --backends select
fi
if [ -n "$emulator" ]; then
    expect "policies that the system lacks" 0 'leaving out prefork on .*"round-robin" works' \
        compare --dispatch --seconds 0.3 --workloads keep-alive --connections 2
fi
expect "an unknown policy" 2 'dispatch: unknown policy "best"; choose inline, round-robin, least' \
    compare --dispatch best
expect "a policy that needs a function" 2 'unknown policy "chosen"' compare --dispatch=chosen
expect "no policy" 2 'dispatch: write names as inline,kernel' compare --dispatch=inline,,kernel
expect "an unknown workload" 2 'workload "idle"; choose keep-alive, connect, block or slow' \
    compare --dispatch --workloads idle
expect "policies in another mode" 2 'leave out --mode' compare --mode echo --dispatch
expect "loops without policies" 2 'loops is for policies; add --dispatch' compare --loops 2
expect "workloads without policies" 2 'workloads are for policies; add' compare --workloads slow
expect "one loop" 2 '"1" is not a number from 2 to 1024' compare --loops 1 --dispatch
expect "loops for a policy of one loop" 2 'inline is for one loop; leave out --loops' \
    compare --dispatch inline --loops 2

[ "$failures" -eq 0 ] || echo "$failures checks failed"
[ "$failures" -eq 0 ]
