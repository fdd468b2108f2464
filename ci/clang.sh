#!/bin/sh
# Builds everything with clang, warnings as errors, and has its analyzer read the library.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
if ! clang=$(command -v clang-14 || command -v clang); then
    echo "clang: there is no clang"
    exit 77
fi
cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER="$clang" -DCMAKE_BUILD_TYPE=Debug \
    -DPOLLUX_BACKENDS='poll;select;epoll;uring;libuv' -DPOLLUX_BUILD_TESTS=ON \
    -DPOLLUX_WARNINGS_AS_ERRORS=ON
cmake --build build/clang
ctest --test-dir build/clang -L unit -j 2 --output-on-failure
# Since clang 18 the analyzer assumes that a call which fails may leave errno 0, and then finds that
# functions here report success (its manual, unix.StdCLibraryFunctions).
quiet=
[ "$("$clang" -dumpversion | cut -d . -f 1)" -lt 18 ] ||
    quiet='-Xclang -analyzer-disable-checker -Xclang unix.StdCLibraryFunctions'
for file in core/*.c core/*/*.c backends/*.c backends/*/*.c platform/*.c platform/unix/*.c; do
    case $file in
    backends/iocp/*.c) continue ;; # ci/msvc-dialect.sh compiles it, by the same front end.
    esac
    # shellcheck disable=SC2086
    "$clang" --analyze $quiet --analyzer-output text -Xclang -analyzer-werror -std=c11 \
        -D_GNU_SOURCE -I. -Iinclude -Ibuild/clang/generated "$file"
done
echo "clang: it builds, and the analyzer finds nothing"
