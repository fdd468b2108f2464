#!/bin/sh
# Compiles each header of the POSIX layer alone for Windows, as C11, as GNU C11 and as C++17, with
# all warnings as errors; and all of them together, in both orders, with the names that programs
# like to have as members.
#
# The headers that complete one of mingw-w64's are silent (they are system headers, for the sake of
# #include_next); what they add is in plx_posix/, and is compiled by itself.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/../posix/include"
triplet=x86_64-w64-mingw32
warnings='-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I.'
if command -v $triplet-g++ > /dev/null; then
    cxx=$triplet-g++
else
    cxx="$(command -v clang++-14 || echo clang++) --target=$triplet"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile FILE: in all three languages.
compile() {
    # shellcheck disable=SC2086
    $triplet-gcc -x c -std=c11 $warnings "$1"
    # shellcheck disable=SC2086
    $triplet-gcc -x c -std=gnu11 $warnings "$1"
    # shellcheck disable=SC2086
    $cxx -x c++ -std=c++17 $warnings "$1"
}

count=0
headers=$(find . -name '*.h' | sed 's,^\./,,' | sort)
for header in $headers; do
    case $header in
    plx_posix/prelude.h | _mingw_stat64.h) continue ;; # Not for programs, or tested with others.
    plx_posix/timeval.h) first='#include <time.h>' ;;
    plx_posix/*) # Comes with the header that it completes.
        first="#include <$(basename "$header")>"
        [ -e "$(basename "$header")" ] || first=
        ;;
    *) first= ;;
    esac
    printf '%s\n#include <%s>\nextern int nothing;\n' "$first" "$header" > "$work/one"
    compile "$work/one"
    count=$((count + 3))
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
    return of->read(1) + of->close(2) + of->stat + stat("/", about) + (int)about->st_mtim.tv_nsec;
}
END
    } > "$work/all"
    compile "$work/all"
    count=$((count + 3))
done
# The table in docs/posix.md has them all.
grep -rhoE 'PLX_POSIX_CALL\([a-z0-9_]+\)' . | sed 's/.*(\(.*\))/\1/' | sort -u | grep -vx name |
    while read -r function; do
        grep -q "\`$function\`" ../../docs/posix.md || {
            echo "posix-headers: docs/posix.md says nothing of $function" >&2
            exit 1
        }
    done
echo "posix-headers: $count compile"
