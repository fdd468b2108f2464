#!/bin/sh
# Runs every suite on 32-bit Linux, in a root of Debian for i386; once more those that wait, with
# the C library's 64-bit time; and builds the library for 32-bit Windows.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
sh ci/packages.sh cmake ninja-build gcc-mingw-w64-i686-win32

# For Windows the library alone: the POSIX layer must say that it is for 64 bits.
cmake -S . -B build/mingw32 -G Ninja -DPOLLUX_WARNINGS_AS_ERRORS=ON -DPOLLUX_BUILD_TOOLS=OFF \
    --toolchain "$PWD/ci/toolchains/i686-w64-mingw32.cmake"
cmake --build build/mingw32 -j 2
if cmake -S . -B build/mingw32-posix -G Ninja -DPOLLUX_BUILD_POSIX=ON \
    --toolchain "$PWD/ci/toolchains/i686-w64-mingw32.cmake" > build/mingw32-posix.log 2>&1; then
    echo "bits32: the POSIX layer was configured for 32 bits"
    exit 1
fi
grep -q '64-bit Windows only' build/mingw32-posix.log

made=build/root-i386
sh ci/nightly/root.sh i386 minbase i386 gcc g++ libc6-dev cmake ninja-build pkg-config check \
    libuv1-dev liburing-dev libcjson-dev libcurl4-openssl-dev curl strace procps > "$made" ||
    { cat "$made"; exit 77; }
root=$(tail -n 1 "$made")

# The mounts end with the process: they are in a namespace of its own.
work=$(mktemp -d "$root/tmp/pollux.XXXXXX")
trap 'rm -rf "$work"' EXIT
git ls-files -z | tar -c --null -T - | tar -x -C "$work"
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child sh -euc '
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    exec chroot "$0" sh -euc "cd $1 && exec sh ci/nightly/bits32-inside.sh"' \
    "$root" "/tmp/$(basename "$work")"
echo "bits32: every suite passes on 32-bit Linux, and the library builds for 32-bit Windows"
