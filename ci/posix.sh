#!/bin/sh
# Runs the POSIX layer's tests on Linux and under Wine, and demands that they print the same.
#
# Wants the presets debug and mingw-debug to be built.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
work=build/posix-compared
mkdir -p "$work"
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
WINEPREFIX=$(sh ci/wine-prefix.sh)
export WINEPREFIX WINEDEBUG=-all
for name in errors revents streams descriptors bridge events \
    messages rights \
    formats library modes own parses prints replaces zones \
    clocks directories places queues spawn children stdio; do
    "build/debug/tests/posix/posix_$name" < /dev/null > "$work/$name.linux"
    "$wine" "build/mingw-debug/tests/posix/posix_$name.exe" < /dev/null > "$work/$name.wine"
    diff "$work/$name.linux" "$work/$name.wine"
    echo "$name: the same on both; $(tail -n 1 "$work/$name.wine")"
done
sh tests/posix/peers.sh '' "$PWD/build/debug/tests/posix/posix_peers" > "$work/peers.linux"
sh tests/posix/peers.sh "$wine" "$PWD/build/mingw-debug/tests/posix/posix_peers.exe" \
    > "$work/peers.wine"
diff "$work/peers.linux" "$work/peers.wine"
echo "peers, in two processes: the same on both; $(tail -n 1 "$work/peers.wine")"
sh tests/posix/console.sh '' "$PWD/build/debug/tests/posix/posix_console" > "$work/console.linux"
sh tests/posix/console.sh "$wine" "$PWD/build/mingw-debug/tests/posix/posix_console.exe" \
    > "$work/console.wine"
diff "$work/console.linux" "$work/console.wine"
echo "console: the same on both; $(tail -n 1 "$work/console.wine")"
count=$(cat "$work"/*.wine | grep -c '^ok ')
echo "posix: $count checks, the same on Linux and under Wine"
