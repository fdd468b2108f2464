#!/bin/sh
# gnulib's own tests ask the POSIX layer: those of tests/posix/gnulib/tests.txt, which pass on
# Linux, from Debian's source package and unchanged, built by pollux-cc without gnulib's
# replacements.
#
#   sh ci/posix-gnulib.sh              under Wine
#   sh ci/posix-gnulib.sh --native     on this system: all of them should pass
#   sh ci/posix-gnulib.sh NAME...      these alone, with what they say
#
# Exit codes: 0: each does what the list says, and at least 90 % of those that do not skip
# themselves pass; 1: not so; 77: the source is not to be had.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
root=$PWD
list=$root/tests/posix/gnulib/tests.txt
sources=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/gnulib
version=20230209 # Tests come and go from one to the next.
is_native=no
if [ "${1:-}" = --native ]; then
    is_native=yes
    shift
fi
work=$root/build/posix-gnulib
[ $is_native = no ] || work=$root/build/posix-gnulib-native

if [ ! -e "$sources/complete" ]; then
    sh ci/packages.sh dpkg-dev
    sh ci/debian-source.sh "$sources" gnulib || true
    if [ ! -d "$(echo "$sources/gnulib-$version"*)" ]; then
        echo "posix-gnulib: not run: this Debian has no source of gnulib $version"
        exit 77
    fi
    touch "$sources/complete"
fi
rm -rf "$work"
mkdir -p "$work"
ln -s "$sources/gnulib-$version"* "$work/source"

built() {
    "$@" > "$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log"
        exit 1
    }
}
if [ $is_native = yes ]; then
    sh ci/packages.sh gcc libc6-dev
    compiler=gcc
    wine=
    archive='ar'
else
    sh ci/packages.sh gcc-mingw-w64-x86-64-win32 wine64 cmake ninja-build
    compiler=$(sh ci/posix-layer.sh)
    archive=x86_64-w64-mingw32-ar
    wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
    WINEPREFIX=$(sh ci/wine-prefix.sh)
    # Pure mode: gnulib's tests expect less of what they take for Windows.
    export WINEPREFIX WINEDEBUG=-all POLLUX_PURE=1
fi

# What of gnulib the tests themselves use, and no replacement.
for helper in sockets unlinkdir localcharset nonblocking c-strcasecmp cloexec setlocale_null \
    timespec hard-locale dup-safer fd-safer open-safer openat-safer pipe-safer creat-safer isnand \
    isnanl isnanf glthread/lock glthread/cond glthread/thread glthread/tls glthread/threadlib; do
    built "$compiler" -w -std=gnu11 -D_GNU_SOURCE -Itests/posix/gnulib \
        -I"$work/source/lib/glthread" -iquote "$work/source/lib" \
        -c "$work/source/lib/$helper.c" -o "$work/$(basename $helper).o"
done
"$archive" rc "$work/help.a" "$work"/*.o

[ $# -gt 0 ] || set -- all
if [ "$1" = all ]; then
    sed '/^#/d; s/ .*//' "$list"
else
    printf '%s\n' "$@"
fi > "$work/names"
count=$(wc -l < "$work/names")
if [ -t 1 ]; then
    echo "posix-gnulib: $count tests"
fi
xargs -P 2 -I NAME sh tests/posix/gnulib/one.sh "$work" NAME "$compiler" \
    ${wine:+"$wine"} < "$work/names" > "$work/states"
if [ "$1" != all ]; then
    while read -r name state; do
        echo "== $name $state"
        cat "$work/$name.log"
    done < "$work/states"
    exit
fi

# The list has a line for each: "NAME", or "NAME fails: WHY" and so on. What "varies" passes and
# fails by turns.
sort "$work/states" > "$work/found"
varying=$(sed -n 's/ varies: .*//p' "$list" | tr '\n' '|')
[ $is_native = no ] || varying=
sed -E "s/^(${varying%|}) (passes|fails)\$/\1 varies/" "$work/found" > "$work/compared"
sed '/^#/d' "$list" | while read -r name state; do
    [ $is_native = no ] || state=
    [ -n "$state" ] || state=passes
    echo "$name ${state%%:*}"
done | sort > "$work/listed"
differs=no
if ! diff "$work/listed" "$work/compared" > "$work/differences"; then
    differs=yes
    echo "posix-gnulib: what is listed (<) and what is so (>):"
    grep '^[<>]' "$work/differences"
fi
passed=$(grep -c ' passes$' "$work/found")
skipped=$(grep -c ' skips$' "$work/found" || true)
share=$((1000 * passed / (count - skipped)))
percent=$((share / 10)).$((share % 10))
echo "posix-gnulib: $passed of $count pass, $skipped skip themselves: $percent %"
[ $differs = no ] && [ $share -ge 900 ]
