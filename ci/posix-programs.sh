#!/bin/sh
# Real programs on the POSIX layer: Debian's source packages, unchanged, built for Windows with
# nothing but pollux-cc, run under Wine, and driven by native clients.
#
#   sh ci/posix-programs.sh              all
#   sh ci/posix-programs.sh --cold       all, from sources fetched anew: for the nightly
#   sh ci/posix-programs.sh microsocks   one
#   sh ci/posix-programs.sh --list       names them: the files of ci/programs
#
# Each command that builds or runs something is shown, and what the native client printed.
# shellcheck disable=SC2034 # The programs, which are files of their own, use these names.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
unset CC CFLAGS CPPFLAGS LDFLAGS LIBS # What is built here, and natively, knows its own.
root=$PWD
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pollux
sources=${POLLUX_POSIX_SOURCES:-$cache/posix-sources}
work=$root/build/posix-programs${POLLUX_POSIX_RUN:-}
prefix=$root/build/posix-prefix
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)

# The sources of a Debian package. Once; they stay in the cache.
fetch() {
    upstream=
    [ "$1" != pen ] || upstream=--upstream # Debian changes its manual alone.
    [ -e "$sources/$1.complete" ] || {
        # shellcheck disable=SC2086
        sh "$root/ci/debian-source.sh" $upstream "$sources" "$1" 2> "$work/source.log" &&
            touch "$sources/$1.complete"
    }
}

# unpacked PACKAGE DIRECTORY: a copy of its sources, as Debian has them.
unpacked() {
    fetch "$1"
    rm -rf "${work:?}/$1" "${work:?}/$1.before"
    cp -a "$sources/$2" "$work/$1"
    cp -a "$sources/$2" "$work/$1.before"
}

# That the build has changed no source.
unchanged() {
    (cd "$work/$1.before" && find . -name '*.[ch]' -type f) | while read -r file; do
        cmp "$work/$1.before/$file" "$work/$1/$file"
    done
    rm -rf "$work/$1.before"
}

say() {
    printf '\n== %s\n' "$*"
}

# shown COMMAND...: runs it, and shows it first.
shown() {
    printf '  $ %s\n' "$(echo "$*" | sed "s,$root/,,g")"
    "$@"
}

pids=
background() {
    printf '  $ %s &\n' "$(echo "$*" | sed "s,$root/,,g")"
    : > "$work/background.log" # At once: what the one before has said is not this one's.
    "$@" < /dev/null > "$work/background.log" 2>&1 &
    pids="$pids $!"
}

finish() {
    for one in $pids; do
        kill "$one" 2> /dev/null || true
    done
    pids=
}
trap finish EXIT
trap 'exit 130' INT TERM

# until_true COMMAND...: tries again and again, for 20 seconds at the most.
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 400 ]; then
            echo "posix-programs: in vain: $*" >&2
            cat "$work/background.log"
            return 1
        fi
        sleep 0.05
    done
}

# is_bound tcp|udp PORT: whether something listens there. Asked of the kernel, which knows Wine's
# sockets too: to connect would be a connection that some programs have only one of.
is_bound() {
    state=0A
    [ "$1" = tcp ] || state=07
    grep -q "$(printf ': [0-9A-F]*:%04X [0-9A-F:]* %s ' "$2" "$state")" "/proc/net/$1" \
        "/proc/net/${1}6"
}

# listens PORT: until something does.
listens() {
    until_true is_bound tcp "$1"
}

# logged COUNT TEXT: whether the server in the background has said so, so often.
logged() {
    [ "$(grep -c "$2" "$work/background.log")" -ge "$1" ]
}

# expect NAME GOT WANTED
passed=0
expect() {
    if [ "$2" != "$3" ]; then
        printf 'FAILED %s:\n--- got\n%s\n--- wanted\n%s\n' "$1" "$2" "$3"
        cat "$work/background.log"
        exit 1
    fi
    printf '  ok: %s\n' "$1"
    passed=$((passed + 1))
}

# eight_at_once NAME ARGUMENTS... of curl: eight of them fetch what $work/web/file is.
eight_at_once() {
    name=$1
    shift
    clients=
    for one in 1 2 3 4 5 6 7 8; do
        curl -s -o "$work/got$one" "$@" &
        clients="$clients $!"
    done
    # shellcheck disable=SC2086
    wait $clients
    for one in 1 2 3 4 5 6 7 8; do
        cmp "$work/got$one" "$work/web/file"
    done
    expect "$name" "$(cat "$work"/got? | wc -c)" 24000000
}

# built COMMAND...: shown too; its output only if it fails.
built() {
    printf '  $ %s\n' "$(echo "$*" | sed "s,$root/,,g")"
    "$@" > "$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log"
        exit 1
    }
}

# Eight ports of this run, below those that systems give to clients, which keep them for a minute.
base=$((10000 + $$ * 8 % 20000))

# A native web server at base + 1, with a file of random bytes. "localhost" is ::1 first on some
# machines, so it is there, too, before it is at 127.0.0.1.
web() {
    mkdir -p "$work/web"
    head -c 3000000 /dev/urandom > "$work/web/file"
    (cd "$work/web" && exec python3 -c '
import http.server, socket, sys, threading
class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
for kind, host in (Server6, "::1"), (http.server.ThreadingHTTPServer, "127.0.0.1"):
    try:
        server = kind((host, int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
    except OSError:
        if kind is not Server6:
            raise
    else:
        threading.Thread(target=server.serve_forever).start()
' $((base + 1))) > /dev/null 2>&1 < /dev/null &
    pids="$pids $!"
    listens $((base + 1))
}

# TRE, which has the regex.h that the C library lacks, into build/posix-programs/tre-installed.
tre_install() {
    fetch tre
    unpacked tre tre-0.8.0
    (
        cd "$work/tre"
        CC="$CC" built ./configure --host=x86_64-w64-mingw32 --disable-shared --disable-nls \
            --disable-agrep --prefix="$work/tre-installed"
        built make -C lib install
    )
}

programs=
for file in ci/programs/*.sh; do
    # shellcheck disable=SC1090
    . "./$file"
    programs="$programs $(basename "$file" .sh)"
done
if [ "${1:-}" = --list ]; then
    # shellcheck disable=SC2086
    printf '%s\n' $programs
    exit 0
fi
cold=
if [ "${1:-}" = --cold ]; then
    cold=--cold
    sources=$work/sources
    rm -rf "$sources"
    shift
fi
sh ci/packages.sh gcc gcc-mingw-w64-x86-64-win32 wine64 make dpkg-dev curl netcat-openbsd \
    dnsmasq-base python3
mkdir -p "$work"
POLLUX_POSIX_CC=${POLLUX_POSIX_CC:-$(sh ci/posix-layer.sh)}
export POLLUX_POSIX_CC

# All are two runs beside each other, which take about as long, for configure scripts do one thing
# at a time. What one unpacks, the other does not: libevent, for memcached; tre, for tinyproxy.
if [ $# -eq 0 ]; then
    second=' libev lighttpd mosquitto pen rinetd socat tinyproxy tre '
    first=
    for one in $programs; do
        case $second in
        *" $one "*) ;;
        *) first="$first $one" ;;
        esac
    done
    code=0
    # shellcheck disable=SC2086
    POLLUX_POSIX_RUN=/second sh "$script" $cold $second > "$work/second.log" 2>&1 &
    pids=$!
    # shellcheck disable=SC2086
    POLLUX_POSIX_RUN=/first sh "$script" $cold $first > "$work/first.log" 2>&1 || code=$?
    wait "$pids" || code=$?
    pids=
    cat "$work/first.log" "$work/second.log"
    sed -n 's/^posix-programs: \([0-9]*\) checks passed/\1/p' "$work/first.log" "$work/second.log" |
        awk '{ sum += $1; $1 = ""; rest = rest $0 }
            END { print "\nposix-programs: " sum " checks passed" rest ", both runs" }'
    exit $code
fi
for one; do
    case " $programs " in
    *" $one "*) ;;
    *)
        echo "posix-programs: there is no program \"$one\"; --list names them" >&2
        exit 2
        ;;
    esac
done

mkdir -p "$sources"
say "the layer"
echo '  $ sh ci/posix-layer.sh'
CC=$POLLUX_POSIX_CC
# The sources are older than gcc 14, which makes errors of what was warned of before.
cat > "$work/older-gcc" << 'END'
#!/bin/sh
exec x86_64-w64-mingw32-gcc -Wno-error=implicit-function-declaration -Wno-error=int-conversion \
    -Wno-error=incompatible-pointer-types -Wno-error=implicit-int "$@"
END
chmod +x "$work/older-gcc"
export POLLUX_CC="$work/older-gcc"
WINEPREFIX=$(sh ci/wine-prefix.sh)
export WINEPREFIX WINEDEBUG=-all
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}" # Without it Wine 10's Wayland driver complains.
# Mirrors lack a source package now and then. That is said, and is no fault of the layer; but some
# must have been there.
absent=
for one; do
    case $one in
    memcached) packages='libevent memcached' ;;
    netcat) packages=netcat-traditional ;;
    tinyproxy) packages='tre tinyproxy' ;;
    *) packages=$one ;;
    esac
    there=yes
    for package in $packages; do
        fetch "$package" || {
            echo "posix-programs: the mirror does not give the source of $package:" \
                "$(tail -n 1 "$work/source.log")" >&2
            absent="$absent $package"
            there=no
        }
    done
    [ $there = no ] || "$one"
done
echo
[ "$passed" -gt 0 ] || exit 1
echo "posix-programs: $passed checks passed${absent:+; no source to be had of:$absent}"
