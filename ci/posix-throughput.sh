#!/bin/sh
# What the POSIX layer costs: an echo over it and the same source over Winsock, under Wine.
#
#   sh ci/posix-throughput.sh [ROUNDS]
#
# Both run in each round, who is first by turns, for as long as a second at the most: what else the
# machine does then meets both alike. Shows the medians of all rounds, of messages per second and of
# the process's own processor time per message (Wine's server comes on top, for both), and how they
# relate; demands nothing of a clock. Wants build/posix-prefix, which ci/posix-programs.sh makes.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
rounds=${1:-15}
work=build/posix-throughput
mkdir -p "$work"
build/posix-prefix/bin/pollux-cc -O2 -std=gnu11 tests/posix/throughput.c -o "$work/layer.exe"
x86_64-w64-mingw32-gcc -O2 -std=gnu11 -DWINSOCK -D_WIN32_WINNT=0x0A00 tests/posix/throughput.c \
    -o "$work/winsock.exe" -static -lws2_32 -lpthread
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
WINEPREFIX=$(sh ci/wine-prefix.sh)
export WINEPREFIX WINEDEBUG=-all

# run NAME MODE SHAPE...: a line of "messages/s us/message".
run() {
    name=$1
    shift
    "$wine" "$work/$name.exe" "$@" < /dev/null |
        sed 's,^\([0-9]*\) messages/s\, \([0-9.]*\) us.*,\1 \2,' >> "$work/$name.figures"
}
# median NAME COLUMN
median() {
    cut -d ' ' -f "$2" "$work/$1.figures" | tr -d '\r' | sort -n |
        sed -n "$(((rounds + 1) / 2))p"
}
# Wine's server and its services start with the first, which does not count.
run winsock poll 1024 100 1
for mode in blocking poll; do
    for shape in '65536 300 4' '1024 500 4'; do
        rm -f "$work"/*.figures
        round=0
        while [ "$round" -lt "$rounds" ]; do
            order='winsock layer'
            [ $((round % 2)) -eq 0 ] || order='layer winsock'
            for one in $order; do
                # shellcheck disable=SC2086
                run "$one" $mode $shape
            done
            round=$((round + 1))
        done
        layer=$(median layer 1)
        winsock=$(median winsock 1)
        echo "$mode, ${shape%% *} bytes: layer $layer, Winsock $winsock messages/s:" \
            "$((layer * 100 / winsock)) %;" \
            "$(median layer 2) and $(median winsock 2) us of processor"
    done
done
