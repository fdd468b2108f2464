#!/bin/sh
# tests/adapter_headers.sh - compiles each adapter's header alone: as C11, as C++17, for Windows.
#
#   sh tests/adapter_headers.sh [CC [CXX [WINDOWS_CC]]]
#
# A header is left out where pkg-config does not find its library. Windows is only compiled for, by
# mingw-w64 where that is here: Debian has none of the four libraries for it. Their headers of this
# system are copied to where no other header of this system is found; ares_build.h, which describes
# one system, is written anew. Ends with 0 only if all that was compiled compiles.
set -u
cd "$(dirname "$0")/.." || exit 2
cc=${1:-cc}
cxx=${2:-c++}
windows=${3:-x86_64-w64-mingw32-gcc}
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only'
scratch=$(mktemp -d "${TMPDIR:-/tmp}/adapter-headers.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
compiled=0
failures=0

# compile TEXT COMMAND...: whether $source compiles.
compile() {
    text=$1
    shift
    compiled=$((compiled + 1))
    if "$@" "$source" > "$scratch/log" 2>&1; then
        echo "ok      $text"
    else
        echo "FAILED  $text"
        failures=$((failures + 1))
        head -n 20 "$scratch/log"
    fi
}

# windows_headers HEADER PATTERN FLAG...: copies what HEADER includes of its library: the headers
# whose path below a folder for headers matches PATTERN.
windows_headers() {
    wanted=$1 pattern=$2
    shift 2
    mkdir -p "$scratch/windows"
    echo "#include <$wanted>" | "$cc" -D_DEFAULT_SOURCE "$@" -E -x c - 2> "$scratch/log" |
        sed -n 's/^# [0-9]* "\(\/[^"]*\.h\)".*/\1/p' | sort -u | grep -E "$pattern" |
        while read -r path; do
            below=$(echo "$path" | sed 's,.*/\(\(curl\|hiredis\)/[^/]*\)$,\1,; t; s,.*/,,')
            mkdir -p "$(dirname "$scratch/windows/$below")"
            cp "$path" "$scratch/windows/$below"
        done
    if [ -f "$scratch/windows/ares_build.h" ]; then
        cat > "$scratch/windows/ares_build.h" << 'END'
#ifndef CARES_BUILD_H
#define CARES_BUILD_H
#include <winsock2.h>
#include <ws2tcpip.h>
#define CARES_TYPEOF_ARES_SOCKLEN_T int
#define CARES_TYPEOF_ARES_SSIZE_T long long
typedef int ares_socklen_t;
typedef long long ares_ssize_t;
#endif
END
    fi
}

# adapter NAME MODULE HEADER PATTERN [FLAG...]
adapter() {
    name=$1 module=$2 header=$3 pattern=$4
    shift 4
    if ! flags=$(pkg-config --cflags "$module" 2> /dev/null); then
        echo "left out: adapters/$name.h: pkg-config does not find $module"
        return
    fi
    source=$scratch/$name.c
    echo "#include <pollux/adapters/$name.h>" > "$source"
    # shellcheck disable=SC2086
    compile "adapters/$name.h, C11" "$cc" -x c -std=c11 $warnings -Iinclude $flags "$@"
    if command -v "$cxx" > /dev/null; then
        # shellcheck disable=SC2086
        compile "adapters/$name.h, C++17" "$cxx" -x c++ -std=c++17 $warnings -Iinclude $flags "$@"
    else
        echo "left out: adapters/$name.h, C++17: there is no $cxx"
    fi
    if command -v "$windows" > /dev/null; then
        # shellcheck disable=SC2086
        windows_headers "$header" "$pattern" $flags
        # shellcheck disable=SC2086
        compile "adapters/$name.h, Windows" "$windows" -x c -std=c11 -D_WIN32_WINNT=0x0A00 \
            $warnings -Iinclude -isystem "$scratch/windows"
    else
        echo "left out: adapters/$name.h, Windows: there is no $windows"
    fi
}

adapter curl 'libcurl >= 7.61' curl/curl.h '/curl/[a-z-]*\.h$'
adapter libpq libpq libpq-fe.h '/(libpq-fe|postgres_ext|pg_config_ext)\.h$'
adapter hiredis hiredis hiredis/async.h '/hiredis/[a-z]*\.h$'
# <ares.h> is not strict ISO C.
adapter cares libcares ares.h '/ares[a-z_]*\.h$' -D_DEFAULT_SOURCE

echo "adapter_headers: $compiled compiled, $failures failed"
[ "$failures" -eq 0 ]
