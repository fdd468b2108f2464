#!/bin/sh
# What the POSIX layer costs: an echo over it and the same source over Winsock, in turn, under Wine.
#
#   sh ci/posix-throughput.sh [ROUNDS]
#
# Shows the medians, and how they relate. Wants build/posix-prefix, which
# ci/posix-programs.sh makes.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-7}
work=build/posix-throughput
mkdir -p "$work"
build/posix-prefix/bin/pollux-cc -O2 -std=gnu11 tests/posix/throughput.c -o "$work/layer.exe"
x86_64-w64-mingw32-gcc -O2 -std=gnu11 -DWINSOCK -D_WIN32_WINNT=0x0A00 tests/posix/throughput.c \
    -o "$work/winsock.exe" -static -lws2_32 -lpthread
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
WINEPREFIX=$(sh ci/wine-prefix.sh)
export WINEPREFIX WINEDEBUG=-all
median() {
    sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}
for mode in blocking poll; do
    for shape in '65536 1000 4' '1024 2000 4'; do
        rm -f "$work"/*.figures
        round=0
        while [ "$round" -lt "$rounds" ]; do
            for one in winsock layer; do
                # shellcheck disable=SC2086
                "$wine" "$work/$one.exe" $mode $shape | sed 's,^\([0-9]*\) messages.*,\1,' \
                    >> "$work/$one.figures"
            done
            round=$((round + 1))
        done
        layer=$(median "$work/layer.figures")
        winsock=$(median "$work/winsock.figures")
        echo "$mode, ${shape%% *} bytes: layer $layer, Winsock $winsock messages/s:" \
            "$((layer * 100 / winsock)) %"
    done
done
