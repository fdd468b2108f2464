#!/bin/sh
# Compiles each header of the POSIX layer alone for Windows, as C11, as GNU C11 and as C++17, with
# all warnings as errors; and all of them together, in both orders and after each header of C's,
# with the names that programs like to have as members, in the languages and with the macros that
# programs ask for. In pure mode, what the compiler then sees must be the same.
#
# The headers that complete one of mingw-w64's are silent (they are system headers, for the sake of
# #include_next); what they add is in plx_posix/, and is compiled by itself. C++'s own headers are
# looked at if there is a g++ for Windows; clang is taken otherwise.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/../posix/include"
triplet=x86_64-w64-mingw32
warnings='-Wall -Wextra -Werror -fsyntax-only'
has_cxx=no
if command -v $triplet-g++ > /dev/null; then
    cxx=$triplet-g++
    has_cxx=yes
else
    cxx="$(command -v clang++-14 || echo clang++) --target=$triplet"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jobs=$work/jobs

# command LANGUAGE ARGUMENTS: the line of a compiler.
command_for() {
    case $1 in
    *++*) compiler="$cxx -x c++" ;;
    *) compiler="$triplet-gcc -x c" ;;
    esac
    language=$1
    shift
    echo "$compiler -std=$language $*"
}

# compile LANGUAGE ARGUMENTS: the lines are run at the end.
compile() {
    language=$1
    shift
    command_for "$language" "$warnings -I." "$@" >> "$jobs"
}

# pure LANGUAGE ARGUMENTS: what is seen in pure mode is the same.
cat > "$work/pure" << 'END'
seen() {
    "$@" -E -P | grep -v -e '^#pragma' -e '^ *$'
}
[ "$(seen "$@")" = "$(seen "$@" -include plx_posix/prelude.h)" ]
END
pure() {
    echo "sh $work/pure $(command_for "$@" -isystem .)" >> "$jobs"
}

windows='\(io\|direct\|process\|conio\|dos\)\.h' # Headers of Windows.
echo 'extern int nothing;' > "$work/nothing"
headers=$(find . -name '*.h' | grep -v -e /bits/ -e /parallel/ | sed 's,^\./,,' | sort)
for header in $headers; do
    case $header in
    # Not for programs, or tested with others.
    plx_posix/prelude.h | plx_posix/mingw_*.h | _mingw_stat64.h) continue ;;
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
    ! echo "$header" | grep -qx "$windows" || continue # See below.
    echo "#include <$header>" > "$work/$(echo "$header" | tr / _)"
    pure gnu11 "$work/$(echo "$header" | tr / _)"
done

for order in '' -r; do
    {
        echo "$headers" | grep -v -e '^plx_posix/' -e '^_' | grep -vx "$windows" |
            sort $order |
            sed 's/.*/#include <&>/'
        cat << 'END'
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
        pure "$language" "$work/all$order"
    done
done
for macro in _FILE_OFFSET_BITS=64 _GNU_SOURCE _DEFAULT_SOURCE _BSD_SOURCE _POSIX_SOURCE \
    _POSIX_C_SOURCE=1 _POSIX_C_SOURCE=199309L _POSIX_C_SOURCE=200112L _POSIX_C_SOURCE=200809L \
    _XOPEN_SOURCE _XOPEN_SOURCE=500 _XOPEN_SOURCE=600 _XOPEN_SOURCE=700 _LARGEFILE64_SOURCE; do
    compile c89 "-D$macro" "$work/all"
    compile gnu17 "-D$macro" "$work/all"
done
compile c++17 "-D_FILE_OFFSET_BITS=64" "$work/all"
# Those of C and of the compiler, with a header of the layer behind them or not.
for header in assert complex ctype errno fenv float getopt inttypes iso646 libgen limits locale \
    malloc math memory pthread sched search semaphore setjmp signal stdalign stdarg stdatomic \
    stdbool stddef stdint stdio stdlib stdnoreturn string tgmath time uchar utime wchar wctype \
    sys/timeb sys/types cpuid x86intrin; do
    compile gnu17 "-include $header.h $work/all"
    case $header in
    wchar | semaphore | stdlib | math | time) compile c++17 "-include $header.h $work/all" ;;
    esac
    echo "#include <$header.h>" > "$work/$(basename $header).c"
    pure gnu17 "$work/$(basename $header).c"
done
if [ $has_cxx = yes ]; then
    for header in cerrno clocale fstream algorithm atomic chrono cmath complex csignal cstdio \
        cstdlib cstring ctime cwchar filesystem functional iostream map memory mutex new random \
        regex sstream string system_error thread tuple unordered_map vector; do
        echo "#include <$header>"
    done > "$work/cxx"
    for language in c++11 gnu++17 c++20; do
        compile "$language" "-include $work/cxx $work/all"
        compile "$language" "-include $work/all $work/cxx"
        pure "$language" "$work/cxx"
    done
fi

# Headers of Windows are not there in pure mode, behind others either.
for header in windows winsock2 io direct process conio dos; do
    printf '#include <stdio.h>\n#include <unistd.h>\n#include <%s.h>\n' $header > "$work/$header.w"
    echo "sh $work/hidden $(command_for gnu11 -isystem . -include plx_posix/prelude.h \
        -fsyntax-only "$work/$header.w")" >> "$jobs"
done
echo '! "$@" 2> /dev/null' > "$work/hidden"

# Two at once; each says its command if it fails.
# shellcheck disable=SC2016
xargs -P 2 -n 1 -d '\n' sh -c '$0 || { echo "posix-headers: failed: $0" >&2; exit 1; }' < "$jobs"
echo "posix-headers: $(grep -vc "^sh $work" "$jobs") compile, $(grep -c "^sh $work" "$jobs")" \
    "are the same in pure mode"
