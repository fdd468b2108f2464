#!/bin/sh
# What is too slow for ci/test.sh, in parts of at most 60 minutes each; more on a slow machine
# (ci/pace.sh).
#
#   sh ci/nightly.sh            runs each part that has not passed for this tree; prints the table
#   sh ci/nightly.sh PART...    these parts, even if they have passed
#   sh ci/nightly.sh --table    prints the table alone
#   sh ci/nightly.sh --list     names the parts
#
# A run that was interrupted goes on where it stopped: results are kept by the hash of the committed
# tree, in ~/.cache/pollux/nightly/HASH (or under XDG_CACHE_HOME), with the log of each part. What
# cannot be run here counts as a failure. As root, or with sudo for packages; parts that make roots
# need root itself.
#
# Exit codes: 0: every part has passed; 1: not so; 2: wrong use; 130: interrupted, as by Ctrl-C.
set -u
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.." || exit 1
. ci/pace.sh

limit=3600
parts='lto sanitizers wine musl bits32 big-endian abi wine10 posix-configure posix-gnulib
    posix-programs fresh-12 fresh-13 busy busy-windows mutants mutants-windows fuzz sim takeover
    page coverage'

# What a part runs, and what it shows.
part_about() {
    case $1 in
    lto) echo 'every suite, optimized across files at link time' ;;
    sanitizers) echo 'the behaviours on libuv and in a simulation, with sanitizers' ;;
    wine) echo 'the behaviours on libuv and in a simulation, under Wine' ;;
    musl) echo 'units, behaviours and the fuzzer with musl' ;;
    bits32) echo 'every suite on 32-bit Linux; the library for 32-bit Windows' ;;
    big-endian) echo 'units and behaviours on s390x, by qemu' ;;
    abi) echo 'programs that were built with the last tag run with this shared library' ;;
    wine10) echo 'suites and the POSIX layer under Wine 10, of Debian 13' ;;
    posix-configure) echo 'each function of the POSIX layer, as configure scripts ask for it' ;;
    posix-gnulib) echo "gnulib's own tests on the POSIX layer" ;;
    posix-programs) echo 'real programs on the POSIX layer, from sources fetched anew' ;;
    fresh-12) echo "the README's commands on a fresh Debian 12" ;;
    fresh-13) echo "the README's commands on a fresh Debian 13" ;;
    busy) echo 'every suite beside 16 spinning processes' ;;
    busy-windows) echo 'the behaviours under Wine beside 16 spinning processes' ;;
    mutants) echo '150 mutants of core, backends and Unix' ;;
    mutants-windows) echo '40 mutants of the code for Windows' ;;
    fuzz) echo 'every fuzzer for minutes, with sanitizers' ;;
    sim) echo 'a million seeds of the simulated network' ;;
    takeover) echo 'servers that are replaced 20 times under load, by policy' ;;
    page) echo "the page of serve's counters, in headless Chromium" ;;
    coverage) echo '90 % of the lines of the loop and of each backend, by the fuzzer alone' ;;
    esac
}

# In a shell of its own, whose process becomes the part's.
part_run() {
    case $1 in
    lto | sanitizers | wine | musl | bits32 | big-endian | abi | fuzz | sim | takeover | page | \
        coverage)
        set -- sh "ci/nightly/$1.sh"
        ;;
    wine10) set -- sh ci/fresh.sh --run 'sh ci/test.sh deps debug windows posix' trixie ;;
    posix-configure) set -- sh ci/posix-configure.sh ;;
    posix-gnulib) set -- sh ci/posix-gnulib.sh ;;
    posix-programs) set -- sh ci/posix-programs.sh --cold ;;
    fresh-12) set -- sh ci/fresh.sh bookworm ;;
    fresh-13) set -- sh ci/fresh.sh trixie ;;
    busy) set -- sh ci/busy.sh ;;
    busy-windows) set -- sh ci/busy.sh --windows ;;
    mutants) set -- sh ci/mutants.sh --count 150 ;;
    mutants-windows) set -- sh ci/mutants.sh --windows --count 40 ;;
    esac
    exec timeout --kill-after=60 $limit "$@"
}

chosen=
show_only=no
while [ $# -gt 0 ]; do
    case $1 in
    --list)
        for part in $parts; do
            printf '%-16s %s\n' "$part" "$(part_about "$part")"
        done
        exit 0
        ;;
    --table) show_only=yes ;;
    *)
        if [ -z "$(part_about "$1")" ]; then
            echo "nightly.sh: there is no part \"$1\"; --list names them" >&2
            exit 2
        fi
        chosen="$chosen $1"
        ;;
    esac
    shift
done

hash=$(git rev-parse 'HEAD^{tree}') || exit 2
if [ "$show_only" = no ] && ! git diff --quiet HEAD; then
    echo "nightly.sh: commit first: results are kept by the hash of what is committed" >&2
    exit 2
fi
results=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/nightly/$hash
mkdir -p "$results"
POLLUX_STRICT=1
export POLLUX_STRICT

now() {
    date +%s
}

passed() {
    [ -e "$results/$1" ] && grep -q '^passed ' "$results/$1"
}

# timeout(1) makes a process group of its own, which Ctrl-C does not reach.
part=
part_end() {
    [ -z "$part" ] || kill "$part" 2> /dev/null
    wait
    exit 130
}
trap part_end INT TERM HUP

# part_do PART: leaves "RESULT SECONDS DETAIL" in a file of the part's name.
part_do() {
    log=$results/$1.log
    start=$(now)
    echo "== $(date +%H:%M:%S) $1: $(part_about "$1")"
    rm -f "$results/$1"
    code=0
    part_run "$1" > "$log" 2>&1 < /dev/null &
    part=$!
    wait "$part" || code=$?
    part=
    last=$(grep -v '^ *$' "$log" | tail -n 1 | cut -c 1-100)
    case $code in
    0) result=passed ;;
    77) result=not-run ;;
    124 | 137)
        result=FAILED
        last="stopped after $((limit / 60)) minutes: $last"
        ;;
    *) result=FAILED ;;
    esac
    [ "$result" = passed ] || tail -n 100 "$log"
    echo "$result $(($(now) - start)) $last" > "$results/$1.new"
    mv "$results/$1.new" "$results/$1"
    echo "== $(date +%H:%M:%S) $1: $(cat "$results/$1")"
}

if [ "$show_only" = no ]; then
    pace_measure
    limit=$((limit * pace / 100))
    for part in ${chosen:-$parts}; do
        if [ -z "$chosen" ] && passed "$part"; then
            echo "== $part has passed for this tree already"
        else
            part_do "$part"
        fi
    done
fi

echo
echo "nightly of tree $hash"
bad=0
for part in $parts; do
    if [ -e "$results/$part" ]; then
        read -r result seconds detail < "$results/$part"
        printf '%-16s %-8s %5s s  %s\n' "$part" "$result" "$seconds" "$detail"
    else
        printf '%-16s %-8s %5s    %s\n' "$part" 'no result' - "$(part_about "$part")"
    fi
    passed "$part" || bad=$((bad + 1))
done
if [ -n "$chosen" ]; then
    bad=0
    for part in $chosen; do
        passed "$part" || bad=$((bad + 1))
    done
fi
if [ "$bad" -gt 0 ]; then
    echo "nightly.sh: $bad parts have not passed; their logs are in $results"
    exit 1
fi
echo "nightly.sh:${chosen:- all parts}: passed"
