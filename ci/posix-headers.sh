#!/bin/sh
# Compiles each header of the POSIX layer alone for Windows, as C11, as GNU C11 and as C++17, with
# all warnings as errors; and all of them together, in both orders, with the names that programs
# like to have as members, in the languages and with the macros that programs ask for.
#
# The headers that complete one of mingw-w64's are silent (they are system headers, for the sake of
# #include_next); what they add is in plx_posix/, and is compiled by itself.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/../posix/include"
triplet=x86_64-w64-mingw32
warnings='-Wall -Wextra -Werror -fsyntax-only -I.'
if command -v $triplet-g++ > /dev/null; then
    cxx=$triplet-g++
else
    cxx="$(command -v clang++-14 || echo clang++) --target=$triplet"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jobs=$work/jobs

# compile LANGUAGE ARGUMENTS: the line of a compiler, which is run at the end.
compile() {
    case $1 in
    *++*) compiler="$cxx -x c++" ;;
    *) compiler="$triplet-gcc -x c" ;;
    esac
    language=$1
    shift
    echo "$compiler -std=$language $warnings $*" >> "$jobs"
}

echo 'extern int nothing;' > "$work/nothing"
headers=$(find . -name '*.h' | sed 's,^\./,,' | sort)
for header in $headers; do
    case $header in
    plx_posix/prelude.h | _mingw_stat64.h) continue ;; # Not for programs, or tested with others.
    plx_posix/timeval.h) first='-include time.h' ;;
    plx_posix/*) # Comes with the header that it completes.
        first="-include $(basename "$header")"
        [ -e "$(basename "$header")" ] || first=
        ;;
    *) first= ;;
    esac
    for language in c11 gnu11 c++17; do
        compile $language -Wpedantic "$first -include $header $work/nothing"
    done
done

for order in '' -r; do
    {
        echo "$headers" | grep -v -e '^plx_posix/' -e '^_' | sort $order |
            sed 's/.*/#include <&>/'
        cat << 'END'
#include <pthread.h>
#include <wchar.h>
struct operations {
    int (*read)(int), (*write)(int), (*open)(int), (*close)(int), (*connect)(int), (*poll)(int);
    int stat, select, send;
};
int use(struct operations *of, struct stat *about);
int use(struct operations *of, struct stat *about)
{
    int _errno = errno;
    return of->read(1) + of->close(2) + of->stat + stat("/", about) + (int)about->st_mtim.tv_nsec +
           (lseek(0, (off_t)1 << 40, SEEK_SET) > 0) + _errno;
}
END
    } > "$work/all$order"
    # (C89 lacks what Winsock's layouts need: bit-fields that are no int. So it is not pedantic.)
    for language in c89 gnu89 c99 gnu99 c11 gnu11 c17 gnu17 c2x c++11 c++14 c++17 gnu++17 c++20; do
        compile $language "$work/all$order"
    done
done
for macro in _FILE_OFFSET_BITS=64 _GNU_SOURCE _DEFAULT_SOURCE _BSD_SOURCE _POSIX_SOURCE \
    _POSIX_C_SOURCE=1 _POSIX_C_SOURCE=199309L _POSIX_C_SOURCE=200112L _POSIX_C_SOURCE=200809L \
    _XOPEN_SOURCE _XOPEN_SOURCE=500 _XOPEN_SOURCE=600 _XOPEN_SOURCE=700 _LARGEFILE64_SOURCE; do
    for language in c89 gnu17 c++17; do
        compile $language "-D$macro" "$work/all"
    done
done

# Two at once; each says its command if it fails.
# shellcheck disable=SC2016
xargs -P 2 -n 1 -d '\n' sh -c '$0 || { echo "posix-headers: failed: $0" >&2; exit 1; }' < "$jobs"
echo "posix-headers: $(wc -l < "$jobs") compile"
