#!/bin/sh
# Whether configure scripts find what the POSIX layer has: each function and header of
# docs/posix.md, as Autoconf (2.71, and in the way of 2.13), CMake and Meson ask, with pollux-cc, in
# default and in pure mode.
#
# Exit codes: 0: all is found; 1: the last lines say what is not.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
root=$PWD
work=$root/build/posix-configure
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
sh ci/packages.sh gcc-mingw-w64-x86-64-win32 wine64 autoconf meson ninja-build cmake
WINEPREFIX=$(sh ci/wine-prefix.sh)
export WINEPREFIX WINEDEBUG=-all
rm -rf "$work"
mkdir -p "$work"

CC=$(sh ci/posix-layer.sh)
cd "$work"

# What there is: "HEADER FUNCTION" for each function of the table, and the headers of all programs.
sed -n '/^[a-z]/{s/ .*//;p;}' "$root/posix/functions.txt" > functions
# shellcheck disable=SC2016
sed -n '/^## State, header by header/,/^Types, constants/{
s/^| `\([^`]*\)`[^|]*|\([^|]*\)|.*/\1 \2/p
}' "$root/docs/posix.md" | tr -d '`' | while read -r header names; do
    for name in $names; do
        echo "$header $name"
    done
done > table
(cd "$root/posix/include" && find . -name '*.h') | sed 's,^\./,,' |
    grep -v -e ^plx_posix/ -e '^_' -e bits/ -e parallel/ -e ^pthread_ -e ^io.h -e ^direct.h \
        -e ^process.h -e ^conio.h -e ^dos.h | sort > headers
functions=$(wc -l < functions)
[ "$functions" = "$(wc -l < table)" ] || {
    echo "posix-configure: functions.txt and docs/posix.md differ" >&2
    exit 1
}

# --- Autoconf: one configure with all checks ---------------------------------------------------
mkdir autoconf
{
    echo 'AC_INIT([all], [1])
AC_PROG_CC'
    # The second argument is what is done when it is there.
    sed 's/.*/AC_CHECK_FUNC([&], [echo & >> functions])/' functions
    sed 's/.*/AC_CHECK_HEADER([&], [echo & >> headers])/' headers
    sed 's/\(.*\) \(.*\)/AC_CHECK_DECL([\2], [echo \2 >> declarations], [], [#include <\1>])/' table
    echo 'AC_CHECK_DECL([strchr], [echo strchr >> undeclared], [], [#include <errno.h>])
AC_OUTPUT'
} > autoconf/configure.ac
(cd autoconf && autoconf)

# autoconf_asks MODE
autoconf_asks() {
    mkdir "$1.autoconf"
    (
        cd "$1.autoconf"
        touch functions headers declarations undeclared
        ../autoconf/configure --host=x86_64-w64-mingw32 CC="$CC" > log 2>&1
    )
}

# --- in the way of others ----------------------------------------------------------------------
# What makes the difference is what is included first, and how the function is declared. Autoconf
# 2.13: assert.h, and char NAME(). CMake's check_function_exists: nothing, and char NAME(void); its
# check_symbol_exists: the header, and the address. Functions do not get in each other's way here,
# so that many are asked for at once, and singly only where that fails.
cat > ask << 'END'
#!/bin/sh
# ask WAY HEADER NAMES: whether a program links that asks in this way.
set -eu
way=$1
header=$2
names=$3
file=$way.$(echo "$header" | tr / _).${names%% *}
case $way in
autoconf213)
    echo '#include <assert.h>'
    printf 'char %s();\n' $names
    echo 'int main() {'
    printf '%s();\n' $names
    ;;
function)
    printf 'char %s(void);\n' $names
    echo 'int main(int argc, char *argv[]) {'
    printf '%s();\n' $names
    ;;
symbol)
    printf '#include <%s>\nint main(int argc, char **argv) { int sum = argc;\n' "$header"
    for name in $names; do
        printf '#ifndef %s\nsum += ((int *)(&%s))[argc];\n#endif\n' "$name" "$name"
    done
    echo 'return sum;'
    ;;
esac > "$file.c"
echo '}' >> "$file.c"
if "$CC" -w "$file.c" -o "$file.exe" 2> "$file.log"; then
    printf '%s\n' $names >> "$way"
elif [ "$names" != "${names#* }" ]; then
    for name in $names; do
        sh "$0" "$way" "$header" "$name"
    done
fi
END
# asked MODE
asked() {
    mkdir "$1.asked"
    (
        cd "$1.asked"
        export CC
        touch autoconf213 function symbol
        for way in autoconf213 function; do
            sh ../ask $way any "$(tr '\n' ' ' < ../functions)"
        done
        cut -d' ' -f1 ../table | sort -u | while read -r header; do
            names=$(sed -n "s,^$header ,,p" ../table | tr '\n' ' ')
            sh ../ask symbol "$header" "$names" < /dev/null
        done
    )
}

# --- CMake and Meson themselves ----------------------------------------------------------------
mkdir cmake meson
# Of all sorts; CMake takes a second for each.
grep -E ' (socket|read|poll|fork|strlcpy|signal|stat|getline|nanosleep|sigsetjmp)$' table > some
cut -d' ' -f2 some > some_functions
{
    # shellcheck disable=SC2016
    printf '%s\n' 'cmake_minimum_required(VERSION 3.16)
project(all C)
include(CheckFunctionExists)
include(CheckSymbolExists)
function(ask header name)
    check_function_exists(${name} has_${name})
    check_symbol_exists(${name} ${header} declares_${name})
    if(has_${name} AND declares_${name})
        file(APPEND "${CMAKE_BINARY_DIR}/found" "${name} ")
    endif()
endfunction()'
    sed 's/\(.*\) \(.*\)/ask(\1 \2)/' some
} > cmake/CMakeLists.txt
{
    echo "project('all', 'c')"
    echo "compiler = meson.get_compiler('c')"
    sed "s/.*/if compiler.has_function('&')\n    message('has', '&')\nendif/" functions
    sed "s/\(.*\) \(.*\)/if compiler.has_function('\2', prefix: '#include <\1>')\n\
    message('declares', '\2')\nendif/" some
} > meson/meson.build
cat > cross << END
[binaries]
c = '$CC'
ar = 'x86_64-w64-mingw32-ar'
[host_machine]
system = 'windows'
cpu_family = 'x86_64'
cpu = 'x86_64'
endian = 'little'
END
# cmake_asks MODE
cmake_asks() {
    mkdir "$1.cmake"
    cmake -S cmake -B "$1.cmake" -G Ninja -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER="$CC" \
        > "$1.cmake.log" 2>&1
    tr ' ' '\n' < "$1.cmake/found" > "$1.cmake/functions"
}
# meson_asks MODE
meson_asks() {
    meson setup --cross-file cross "$1.meson" meson > "$1.log" 2>&1
    sed -n 's/^Message: has //p' "$1.log" > "$1.meson/functions"
    sed -n 's/^Message: declares //p' "$1.log" > "$1.meson/declarations"
}

# --- a configure that runs what it builds ------------------------------------------------------
mkdir run
echo 'AC_INIT([run], [1])
AC_PROG_CC
AC_RUN_IFELSE([AC_LANG_PROGRAM([[#include <sys/socket.h>]],
    [[return socket(AF_INET, SOCK_STREAM, 0) != 3;]])], [echo ran > ran])
AC_OUTPUT' > run/configure.ac
(cd run && autoconf && POLLUX_RUN=$wine ./configure CC="$CC" > log 2>&1)

for mode in default pure; do
    [ $mode = default ] || export POLLUX_PURE=1
    autoconf_asks $mode &
    one=$!
    meson_asks $mode
    cmake_asks $mode
    wait $one
    asked $mode
done

# --- the answer --------------------------------------------------------------------------------
missing=no
# told WHAT LIST FILE: how many of the list are in that file, in both modes.
told() {
    text=
    for mode in default pure; do
        sort -u "$mode.$3" > found
        sort "$2" | comm -23 - found > lacking
        text="$text, $(wc -l < found) of $(wc -l < "$2") ($mode)"
        if [ -s lacking ]; then
            missing=yes
            echo "$1 ($mode): not found: $(tr '\n' ' ' < lacking)" >> missing
        fi
    done
    echo "$1: ${text#, }"
}
told functions functions autoconf/functions
told declarations functions autoconf/declarations
told headers headers autoconf/headers
told "functions, as Autoconf 2.13 asks" functions asked/autoconf213
told "functions, by CMake's check_function_exists" functions asked/function
told "functions, by CMake's check_symbol_exists" functions asked/symbol
told "functions, by CMake itself" some_functions cmake/functions
told "functions, by Meson's has_function" functions meson/functions
told "functions, by Meson's with a header" some_functions meson/declarations
for mode in default pure; do
    if [ -s "$mode.autoconf/undeclared" ]; then
        missing=yes
        echo "strchr ($mode): is declared where <string.h> was not included" >> missing
    fi
done
if [ -e run/ran ]; then
    echo "a configure script that runs what it builds: with POLLUX_RUN"
else
    missing=yes
    echo "a configure script with POLLUX_RUN did not run what it had built" >> missing
fi
[ $missing = no ] || {
    cat missing
    exit 1
}
