#!/bin/sh
# Checks what CMake selects, skips and demands, on each system, by configuring alone: nothing is
# compiled. A toolchain file makes CMake take this machine for another system; libraries are hidden,
# and liburing and libuv are shown as files for pkg-config.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
source=$PWD
cc=$(command -v cc)
ninja=$(command -v ninja)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/nothing" "$work/libraries" "$work/parent"

for system in Linux Windows Darwin FreeBSD; do
    cat > "$work/$system.cmake" << EOF
set(CMAKE_SYSTEM_NAME $system)
set(CMAKE_SYSTEM_VERSION 1)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER $cc)
set(CMAKE_RC_COMPILER $cc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # Checks link nothing, so they pass.
EOF
done
# What these files set after project() makes the build a native one of that compiler.
echo 'set(CMAKE_CROSSCOMPILING FALSE)' > "$work/native.cmake"
printf 'set(CMAKE_CROSSCOMPILING FALSE)\nset(MSVC TRUE)\nset(MINGW FALSE)\n' > "$work/msvc.cmake"
for library in liburing libuv; do
    printf 'Name: %s\nDescription: shown\nVersion: 2.3\nLibs: -l%s\n' \
        $library ${library#lib} > "$work/libraries/$library.pc"
done
cat > "$work/parent/CMakeLists.txt" << EOF
cmake_minimum_required(VERSION 3.20)
project(parent C)
set(POLLUX_BACKENDS "select;poll")
set(POLLUX_BACKEND select)
add_subdirectory("$source" pollux)
EOF

checks=0
output=
code=0
pkg_config=$work/nothing

# configure SYSTEM HOW OPTION...: into the tree of the last fresh_tree. HOW: cross, native or msvc.
configure() {
    system=$1
    how=$2
    shift 2
    [ "$how" = cross ] || set -- "-DCMAKE_PROJECT_pollux_INCLUDE=$work/$how.cmake" "$@"
    code=0
    output=$(PKG_CONFIG_LIBDIR=$pkg_config cmake "-DCMAKE_TOOLCHAIN_FILE=$work/$system.cmake" \
        -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF \
        "-DCMAKE_MAKE_PROGRAM=$ninja" "-DPKG_CONFIG_EXECUTABLE=$(command -v pkg-config)" \
        -G Ninja -B "$work/tree" "$@" 2>&1) || code=$?
    output=$(echo "$output" | tr -s ' \n' '  ') # CMake wraps its messages.
}

fresh_tree() {
    rm -rf "$work/tree"
}

fail() {
    echo "configure: $system: $*" >&2
    echo "$output" | fold -s -w 100 >&2
    exit 1
}

# passes TEXT..., fails_with TEXT...: how configure ended, and what it printed.
passes() {
    [ "$code" -eq 0 ] || fail "CMake failed"
    prints "$@"
}

fails_with() {
    [ "$code" -ne 0 ] || fail "CMake did not fail"
    prints "$@"
}

prints() {
    for text in "$@"; do
        case $output in
        *"$text"*) checks=$((checks + 1)) ;;
        *) fail "CMake did not print \"$text\"" ;;
        esac
    done
}

prints_no() {
    case $output in
    *"$1"*) fail "CMake printed \"$1\"" ;;
    *) checks=$((checks + 1)) ;;
    esac
}

are='Backends of Pollux, the default first:'
source_is=-S$source

# --- nothing is named --------------------------------------------------------------------------

fresh_tree
configure Linux native "$source_is"
passes "$are poll, select, epoll; left out: uring (liburing 2.3 or later was not found by" \
    'apt-get install liburing-dev pkg-config' 'iocp (not for Linux)' 'libuv (only on request)' \
    'The program pollux is left out' 'apt-get install libcjson-dev' \
    'The example curl_multi is left out' 'apt-get install libcurl4-openssl-dev'
pkg_config=$work/libraries
configure Linux native
passes "$are poll, select, epoll, uring; left out"
pkg_config=$work/nothing
configure Linux native
passes "$are poll, select, epoll; left out"
fresh_tree
configure Linux cross "$source_is"
passes "$are poll, select, epoll; left out: uring (liburing 2.3" 'install it for Linux where'
fresh_tree
configure Windows cross "$source_is"
passes "$are poll, select, iocp; left out" 'epoll (not for Windows)' 'sh ci/windows-deps.sh'
fresh_tree
configure Darwin native "$source_is"
passes "$are poll, select; left out" 'epoll (not for Darwin)' 'brew install cjson'
fresh_tree
configure FreeBSD native "$source_is"
passes "$are poll, select; left out" 'epoll (not for FreeBSD)' 'The program pollux is left out'

# --- all ---------------------------------------------------------------------------------------

fresh_tree
pkg_config=$work/libraries
configure Linux native "$source_is" -DPOLLUX_BACKENDS=all
passes "$are poll, select, epoll, uring, libuv; left out: iocp (not for Linux)"
pkg_config=$work/nothing
configure Linux native
passes "$are poll, select, epoll; left out: uring" 'apt-get install libuv1-dev'
for system in Windows Darwin FreeBSD; do
    fresh_tree
    configure $system cross "$source_is" --preset release
    passes "$are poll, select" 'libuv (libuv was not found'
done

# --- what is named is demanded -----------------------------------------------------------------

fresh_tree
configure Linux native "$source_is" '-DPOLLUX_BACKENDS=poll;uring'
fails_with 'names uring, but liburing 2.3' 'apt-get install liburing-dev' 'Or leave uring out'
configure Linux native "$source_is" -DPOLLUX_BACKENDS=libuv
fails_with 'names libuv, but libuv was not found' 'apt-get install libuv1-dev'
configure Linux native "$source_is" '-DPOLLUX_BACKENDS=poll;iocp'
fails_with 'no backend "iocp" for Linux. Choose from: poll, select, epoll, uring, libuv;'
fresh_tree
configure Windows cross "$source_is" '-DPOLLUX_BACKENDS=poll;libuv'
fails_with 'names libuv, but libuv was not found: run "sh ci/windows-deps.sh"'
configure Windows cross "$source_is" '-DPOLLUX_BACKENDS=poll;epoll'
fails_with 'no backend "epoll" for Windows. Choose from: poll, select, iocp, libuv;'
fresh_tree
configure Windows native "$source_is" -DPOLLUX_BACKENDS=libuv
fails_with 'libuv was not found' 'pacman -S mingw-w64-x86_64-libuv'
fresh_tree
configure Windows msvc "$source_is" -DPOLLUX_BACKENDS=libuv
fails_with 'libuv was not found' 'vcpkg install libuv'
fresh_tree
configure Darwin native "$source_is" -DPOLLUX_BACKENDS=libuv
fails_with 'libuv was not found' 'brew install libuv pkg-config'
configure Darwin native "$source_is" -DPOLLUX_BACKENDS=uring
fails_with 'no backend "uring" for Darwin. Choose from: poll, select, libuv;'

fresh_tree
configure Linux native "$source_is" -DPOLLUX_BUILD_TOOLS=ON
fails_with 'POLLUX_BUILD_TOOLS is on' 'apt-get install libcjson-dev'
configure Linux native "$source_is" -DPOLLUX_BUILD_TOOLS=OFF -DPOLLUX_BUILD_EXAMPLES=ON
fails_with 'POLLUX_BUILD_EXAMPLES is on' 'apt-get install libcurl4-openssl-dev'
prints_no 'The program pollux'
configure Linux native "$source_is" -DPOLLUX_BUILD_EXAMPLES=OFF
passes "$are poll"
prints_no 'Warning'
configure Linux native "$source_is" -DPOLLUX_BUILD_TESTS=ON
fails_with 'POLLUX_BUILD_TESTS is on' 'apt-get install check'

# --- defaults follow what they are computed from -----------------------------------------------

fresh_tree
configure Linux native "$source_is"
configure Linux native '-DPOLLUX_BACKENDS=select;epoll'
passes "$are select, epoll "
configure Linux native -DPOLLUX_BACKEND=epoll
passes "$are epoll, select "
configure Linux native '-DPOLLUX_BACKENDS=poll;select'
fails_with '"epoll" is not among' 'Choose from: poll, select;' '-DPOLLUX_BACKEND= (empty)'
configure Linux native -DPOLLUX_BACKEND=
passes "$are poll, select "
configure Linux native -DPOLLUX_BACKENDS=default
passes "$are poll, select, epoll; left out"
configure Linux native '-DPOLLUX_BACKENDS=select;select;poll'
passes "$are poll, select "
configure Linux native -DPOLLUX_BACKENDS=
passes "$are poll, select, epoll; left out"

# --- inside another project --------------------------------------------------------------------

fresh_tree
configure Linux native "-S$work/parent"
passes "$are select, poll "
prints_no 'The program pollux'

echo "configure: $checks checks on Linux, Windows, Darwin and FreeBSD"
