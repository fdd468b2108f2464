#!/bin/sh
# Compiles what goes into the library on Windows in MSVC's dialect: clang-cl with the SDK headers
# that Wine brings along. It checks and links nothing; what it catches is GNU extensions and names
# that only mingw-w64 has. It is clang, not cl.exe: cl's own warnings are for the Windows job in CI.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
headers=/usr/include/wine/wine
# Debian 13 has it by the name of its version alone.
clang_cl=$(command -v clang-cl-14 || command -v clang-cl ||
    find /usr/bin -name 'clang-cl-*' | sort -V | tail -n 1)
if [ -z "$clang_cl" ] || [ ! -d "$headers" ]; then
    echo "msvc-dialect: clang-cl or Wine's headers are missing (Debian: clang-tools, libwine-dev)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '#define PLX_BACKEND_LIST(X) X(poll) X(select) X(iocp)' > "$work/pollux_config.h"

files=0
for file in core/*.c core/*/*.c platform/*.c platform/windows/*.c backends/*.c backends/*/*.c; do
    case $file in
    # Not part of the library alone, or not of Windows.
    backends/readiness/libuv.c | backends/readiness/epoll.c | backends/uring/*.c) continue ;;
    platform/windows/process.c) continue ;;
    esac
    "$clang_cl" --target=x86_64-pc-windows-msvc /nologo /std:c11 /W4 /WX -Wgnu -Wvla -fsyntax-only \
        /D_WIN32_WINNT=0x0A00 /D_CRT_SECURE_NO_WARNINGS /DPOLLUX_BUILDING \
        /imsvc "$headers/msvcrt" /imsvc "$headers/windows" /I. /Iinclude "/I$work" "$file"
    files=$((files + 1))
done
echo "msvc-dialect: $files files compile"
