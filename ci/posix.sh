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
linux=$PWD/build/debug/tests/posix
windows=$PWD/build/mingw-debug/tests/posix
failed=0
again=

# run NAME: on both; what each printed is in $work.
run() {
    case $1 in
    peers | console)
        timeout 300 sh "tests/posix/$1.sh" '' "$linux/posix_$1" > "$work/$1.linux" || true
        timeout 300 sh "tests/posix/$1.sh" "$wine" "$windows/posix_$1.exe" > "$work/$1.wine" || true
        ;;
    *)
        timeout 120 "$linux/posix_$1" < /dev/null > "$work/$1.linux" || true
        timeout 120 "$wine" "$windows/posix_$1.exe" < /dev/null > "$work/$1.wine" || true
        ;;
    esac
}

# Under Wine 8 one process in a thousand ends before its main() was called, and a console that is
# still being set up forgets what was typed. So what differs is run once more, and said at the end;
# where POLLUX_STRICT=1, it has failed.
for name in errors revents streams descriptors bridge events messages rights formats library \
    modes own allocator \
    domain_names parses prints replaces resolver \
    zones clocks configuration accounts advice causes locales \
    memory small timers utilities directories places queues spawn children stdio peers console; do
    run "$name"
    if ! diff "$work/$name.linux" "$work/$name.wine" && [ "${POLLUX_STRICT:-0}" != 1 ]; then
        echo "$name: different; once more"
        again="$again $name"
        run "$name"
    fi
    if diff "$work/$name.linux" "$work/$name.wine"; then
        echo "$name: the same on both; $(tail -n 1 "$work/$name.wine")"
    else
        echo "$name: DIFFERENT"
        failed=$((failed + 1))
    fi
done
[ "$failed" -eq 0 ] || exit 1
count=$(cat "$work"/*.wine | grep -c '^ok ')
echo "posix: $count checks, the same on Linux and under Wine${again:+; at the second run:$again}"
