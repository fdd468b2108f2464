#!/bin/sh
# Looks at the page of `pollux serve --health` in Chromium, without a screen: whether it plots and
# counts what a load does to two loops, and reports no error. Leaves build/page/page.png, what it
# looked like, to be looked at.
#
#   sh ci/nightly/page.sh
#
# Exit codes: 0: it does; 1: not so; 77: Chromium cannot be installed now.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
if [ $# -gt 0 ]; then
    script_about >&2
    exit 2
fi
sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config libcjson-dev liburing-dev curl chromium
build=build/page
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DPOLLUX_BUILD_EXAMPLES=OFF
cmake --build $build -j 2 --target pollux_tool

program=$build/pollux
scratch=$(mktemp -d "${TMPDIR:-/tmp}/page.XXXXXX")
running=
clean_up() {
    for process in $running; do
        kill -KILL "$process" 2> /dev/null || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

failed() {
    echo "page: $1" >&2
    exit 1
}

# await WHAT COMMAND...: until the command succeeds, a tenth of a second apart, 300 times.
await() {
    what=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || failed "$what: not in half a minute"
        sleep 0.1
    done
}

$program serve --mode http --loops 2 --listen tcp://127.0.0.1:0 --health tcp://127.0.0.1:0 \
    > "$scratch/serve" 2>&1 < /dev/null &
running=$!
await "a server" grep -q '^health at ' "$scratch/serve"
address=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$scratch/serve")
page=$(sed -n 's/^health at tcp:\(.*\)/http:\1/p' "$scratch/serve")
$program load --mode http --connections 4 --rate 1000 --duration 3000 "$address" \
    > "$scratch/load" 2>&1 < /dev/null &
running="$running $!"
$program load --mode http --connections 2 --rate 50 --reconnect --duration 3000 "$address" \
    > "$scratch/load2" 2>&1 < /dev/null &
running="$running $!"

# Both loops serve.
are_busy() {
    curl --silent --max-time 60 "$page/counters.json" > "$scratch/counters" &&
        [ "$(grep -o '"requests":[1-9]' "$scratch/counters" | wc -l)" -eq 2 ]
}
await "requests on both loops" are_busy

# browse MILLISECONDS ARGUMENT...: the time is the page's, and passes as fast as it is answered.
browse() {
    budget=$1
    shift
    timeout 600 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
        --user-data-dir="$scratch/profile" --window-size=1280,1000 --enable-logging=stderr \
        --virtual-time-budget="$budget" "$@" "$page/" 2> "$scratch/browser" ||
        failed "Chromium: $(tail -n 1 "$scratch/browser")"
    # What the page's script, or its policy, complains about.
    ! grep CONSOLE "$scratch/browser" >&2 || failed "the browser reports an error"
}

# cells ATTRIBUTE KEY: the numbers in the table, a line each; the last one is the sum.
cells() {
    grep -o "<td data-$1=\"$2\">[^<]*<" "$scratch/dom" | sed 's/.*>\(.*\)</\1/; s/,//g'
}

# A page that saw one sample of each loop alone knows no rates. A fast browser needs more time.
for budget in 60000 600000 6000000; do
    browse "$budget" --dump-dom > "$scratch/dom"
    [ "$(cells rate requests | grep -c '^[1-9]')" -ne 3 ] || break
done
fact() {
    what=$1
    shift
    "$@" || failed "$what"
    echo "ok: $what"
}
are_three() { # Two loops and their sum.
    [ "$(cells "$1" "$2" | grep -c '^[1-9]')" -eq 3 ]
}
has_lines() {
    [ "$(grep -o "<polyline points=\"[^\"]*\"[^>]*data-key=\"$1\"" "$scratch/dom" |
        awk -F '"' '{ if (split($2, points, " ") > 10) lines++ } END { print lines + 0 }')" -ge 2 ]
}
has_no_nonsense() {
    ! grep -o 'points="[^"]*"' "$scratch/dom" | grep -q -e NaN -e Infinity -e undefined
}
adds_up() {
    cells key connections | awk '{ n[NR] = $1 } END { exit n[1] + n[2] == n[3] ? 0 : 1 }'
}

fact "what it serves" grep -q '<p id="about">http on [a-z]*, 2 loops, least-connections</p>' \
    "$scratch/dom"
fact "no error text" grep -q '<p id="trouble" role="alert"></p>' "$scratch/dom"
for key in requests connections open received_bytes sent_bytes; do
    fact "lines with points: $key" has_lines "$key"
    fact "numbers in the table: $key" are_three key "$key"
done
for key in requests connections received_bytes sent_bytes; do
    fact "numbers in a second: $key" are_three rate "$key"
done
fact "every point is a number" has_no_nonsense
fact "the sum is that of the loops" adds_up
browse 60000 --screenshot="$PWD/$build/page.png" > "$scratch/shot"
fact "a picture: $build/page.png" grep -q PNG "$build/page.png"
echo "page: passed"
