#!/bin/sh
# Compiles each header alone: the public ones as C11 and as C++17, the private ones as C11.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
warnings='-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only'
count=0
for header in include/pollux/*.h; do
    name=pollux/$(basename "$header")
    for language in 'c -std=c11' 'c++ -std=c++17'; do
        # shellcheck disable=SC2086
        echo "#include <$name>" | ${CC:-gcc} -x $language $warnings -Iinclude -
        count=$((count + 1))
    done
done
for header in core/*.h core/*/*.h platform/*.h backends/*.h backends/*/*.h; do
    compiler=${CC:-gcc}
    case $header in
    backends/iocp/iocp.h) compiler="x86_64-w64-mingw32-gcc -D_WIN32_WINNT=0x0A00" ;;
    esac
    # shellcheck disable=SC2086
    echo "#include \"$header\"" |
        $compiler -x c -std=c11 -D_GNU_SOURCE $warnings -Wno-unused-function -I. -Iinclude -
    count=$((count + 1))
done
echo "headers: $count compile alone"
