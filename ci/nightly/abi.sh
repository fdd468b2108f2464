#!/bin/sh
# Compares the shared library of the last tag with that of HEAD, or of two revisions that are named:
# a program that was built with the old one must run with the new one (docs/growing.md).
#
#   sh ci/nightly/abi.sh [OLD [NEW]]
#
# It fails on changes that are incompatible under one SONAME. Where the SONAME has changed nothing
# is compared.
#
# Exit codes: 0: compatible; 1: not so; 77: there is no tag, or abidiff cannot be installed now.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
old=${1:-$(git describe --tags --abbrev=0 2> /dev/null || true)}
new=${2:-HEAD}
if [ -z "$old" ]; then
    echo "abi: not run (no tag)"
    exit 77
fi
sh ci/packages.sh gcc libc6-dev binutils cmake ninja-build git abigail-tools

# library_build REVISION SIDE: the library with what debuggers need, from sources without a trace of
# this tree. Its path is then in build/abi/SIDE/path.
library_build() {
    folder=build/abi/$2
    rm -rf "$folder"
    mkdir -p "$folder/source"
    git archive "$1" | tar -x -C "$folder/source"
    cmake -S "$folder/source" -B "$folder/build" -G Ninja -DBUILD_SHARED_LIBS=ON \
        -DCMAKE_BUILD_TYPE=Debug -DPOLLUX_BACKENDS='poll;select;epoll' -DPOLLUX_BUILD_TOOLS=OFF \
        -DPOLLUX_BUILD_EXAMPLES=OFF -DPOLLUX_BUILD_TESTS=OFF
    cmake --build "$folder/build" -j 2
    find "$folder/build" -type f -name 'libpollux.so.*' > "$folder/path"
    [ "$(wc -l < "$folder/path")" -eq 1 ] || {
        echo "abi: $1 builds no shared library"
        exit 1
    }
}

soname_of() {
    readelf --dynamic "$1" | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p'
}

library_build "$old" old
library_build "$new" new
old_library=$(cat build/abi/old/path)
new_library=$(cat build/abi/new/path)
old_name=$(soname_of "$old_library")
new_name=$(soname_of "$new_library")
if [ "$old_name" != "$new_name" ]; then
    echo "abi: $old is $old_name and $new is $new_name: programs choose, nothing is to be compared"
    exit 0
fi

code=0
abidiff --no-added-syms --suppressions ci/nightly/abi.suppr "$old_library" "$new_library" ||
    code=$?
if [ "$code" -ne 0 ]; then
    echo "abi: $new breaks programs that were built with $old, both $old_name (abidiff: $code)"
    exit 1
fi
echo "abi: programs that were built with $old run with $new, both $old_name"
