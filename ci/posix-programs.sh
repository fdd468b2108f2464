#!/bin/sh
# Real programs on the POSIX layer: Debian's source packages, unchanged, built for Windows with
# nothing but pollux-cc, run under Wine, and driven by native clients.
#
#   sh ci/posix-programs.sh              all of them
#   sh ci/posix-programs.sh microsocks   one
#
# Each command that builds or runs something is shown, and what the native client printed.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
root=$PWD
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pollux
sources=${POLLUX_POSIX_SOURCES:-$cache/posix-sources}
work=$root/build/posix-programs
prefix=$root/build/posix-prefix
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)

sh ci/packages.sh gcc gcc-mingw-w64-x86-64-win32 wine64 make dpkg-dev curl netcat-openbsd \
    dnsmasq-base python3

# The sources of a Debian package, from the first mirror that the machine's own lists name, with
# lists of our own (as ci/windows-deps.sh does). Once; they stay in the cache.
fetch() {
    [ ! -e "$sources/$1.complete" ] || return 0
    mkdir -p "$sources/lists/partial"
    (
        cd "$sources"
        mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p
            s/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list \
            /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2> /dev/null |
            grep -v security | head -n 1)
        # shellcheck disable=SC1091
        codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
        echo "deb-src $mirror $codename main" > sources.list
        set -- "$1" -o "Dir::Etc::SourceList=$sources/sources.list" \
            -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$sources/lists" \
            -o APT::Sandbox::User=root -qq
        package=$1
        shift
        ls lists/*Sources* > /dev/null 2>&1 || apt-get "$@" update
        apt-get "$@" source "$package" > /dev/null 2>&1
    ) && touch "$sources/$1.complete"
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

# built COMMAND...: shown too; its output only if it fails.
built() {
    printf '  $ %s\n' "$(echo "$*" | sed "s,$root/,,g")"
    "$@" > "$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log"
        exit 1
    }
}

# Ports of this run, below those that systems give to clients, which keep them for a minute.
base=$((10000 + $$ % 20000))

# A native web server at base + 1, with a file of random bytes.
web() {
    mkdir -p "$work/web"
    head -c 3000000 /dev/urandom > "$work/web/file"
    (cd "$work/web" && exec python3 -m http.server --bind 127.0.0.1 $((base + 1))) \
        > /dev/null 2>&1 < /dev/null &
    pids="$pids $!"
    listens $((base + 1))
}

microsocks() {
    say "microsocks: a SOCKS5 server, a thread for each client"
    unpacked microsocks microsocks-1.0.3
    built make -C "$work/microsocks" CC="$CC"
    unchanged microsocks
    web
    background "$wine" "$work/microsocks/microsocks.exe" -i 127.0.0.1 -p "$base"
    listens "$base"
    shown curl -s --socks5 "127.0.0.1:$base" -o "$work/got" "http://127.0.0.1:$((base + 1))/file" \
        -w '  %{http_code}, %{size_download} bytes\n'
    cmp "$work/got" "$work/web/file"
    expect "3 MB through it" "$(wc -c < "$work/got")" 3000000
    for one in 1 2 3 4 5 6 7 8; do
        curl -s --socks5-hostname "127.0.0.1:$base" -o "$work/got$one" \
            "http://localhost:$((base + 1))/file" &
        clients="${clients:-} $!"
    done
    # shellcheck disable=SC2086
    wait $clients
    for one in 1 2 3 4 5 6 7 8; do
        cmp "$work/got$one" "$work/web/file"
    done
    expect "8 at once, by name" "$(cat "$work"/got? | wc -c)" 24000000
    answer=$(curl -s --socks5 "127.0.0.1:$base" "http://127.0.0.1:1/" 2>&1 || echo "exit $?")
    expect "refused where nobody listens" "$answer" "exit 97"
    finish
}

rinetd() {
    say "rinetd: forwards TCP and UDP, with select()"
    unpacked rinetd rinetd-0.73
    (
        cd "$work/rinetd"
        export POLLUX_PURE=1 # It has a Windows branch of its own.
        built ./configure --host=x86_64-w64-mingw32 CC="$CC"
        built make
    )
    unchanged rinetd
    cat > "$work/rinetd.conf" << END
127.0.0.1 $base 127.0.0.1 $((base + 1))
127.0.0.1 $((base + 2))/udp 127.0.0.1 $((base + 3))/udp
END
    background "$wine" "$work/rinetd/rinetd.exe" -f -c "$work/rinetd.conf"
    web
    listens "$base"
    until_true is_bound udp $((base + 2))
    # (A half-close it does not pass on, on Linux either: handleClose() closes both ways.)
    for one in 1 2 3 4 5; do
        shown curl -s -o "$work/got" "http://127.0.0.1:$base/file" \
            -w '  %{http_code}, %{size_download} bytes\n'
        cmp "$work/got" "$work/web/file"
    done
    expect "TCP, 3 MB five times" "$(wc -c < "$work/got")" 3000000
    python3 -c '
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    bytes, peer = server.recvfrom(2000)
    if bytes: # rinetd starts with an empty datagram, and takes an empty answer for the end.
        server.sendto(bytes.upper(), peer)
' $((base + 3)) &
    pids="$pids $!"
    until_true is_bound udp $((base + 3))
    answer=$(python3 -c '
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(10)
client.sendto(b"a datagram", ("127.0.0.1", int(sys.argv[1])))
print(client.recv(2000).decode())
' $((base + 2)))
    expect "UDP, there and back" "$answer" "A DATAGRAM"
    finish
}

udns() {
    say "udns: dnsget asks a name server, over UDP"
    unpacked udns udns-0.4
    (
        cd "$work/udns"
        export POLLUX_RUN="$wine" # Its configure runs what it has compiled.
        CC="$CC" built ./configure
        built make dnsget
    )
    unchanged udns
    background dnsmasq --no-daemon --no-resolv --no-hosts --bind-interfaces \
        --listen-address=127.0.0.1 --port="$base" --address=/pollux.example/192.0.2.7 \
        --mx-host=pollux.example,mail.pollux.example,5
    listens "$base"
    answer=$(shown "$wine" "$work/udns/dnsget.exe" -n 127.0.0.1 -o "port:$base" -t a \
        pollux.example | tr -d '\r')
    echo "$answer"
    expect "an address" "$(echo "$answer" | tail -n 1)" "pollux.example. A 192.0.2.7"
    answer=$(shown "$wine" "$work/udns/dnsget.exe" -n 127.0.0.1 -o "port:$base" -t mx \
        pollux.example | tr -d '\r')
    echo "$answer"
    expect "a mail exchanger" "$(echo "$answer" | tail -n 1)" \
        "pollux.example. MX 5 mail.pollux.example."
    finish
}

netcat() {
    say "netcat (the traditional one): both directions, half-close"
    unpacked netcat-traditional netcat-1.10
    built make -C "$work/netcat-traditional" linux CC="$CC" LDFLAGS= STATIC= \
        DFLAGS='-DLINUX -DTELNET -DGAPING_SECURITY_HOLE -DIP_TOS -DDEBIAN_VERSION=\"1.10\"'
    unchanged netcat-traditional
    exe=$work/netcat-traditional/nc.exe
    nc -l 127.0.0.1 "$base" < "$root/README.md" > "$work/arrived" &
    server=$!
    pids="$pids $server"
    listens "$base"
    shown sh -c "'$wine' '$exe' -q 1 127.0.0.1 $base < '$root/LICENSE' > '$work/back'"
    finish
    cmp "$work/arrived" "$root/LICENSE"
    cmp "$work/back" "$root/README.md"
    expect "as a client" "$(wc -c < "$work/arrived") $(wc -c < "$work/back")" \
        "$(wc -c < "$root/LICENSE") $(wc -c < "$root/README.md")"
    printf '  $ %s\n' "wine64 nc.exe -l -p $((base + 1)) -q 1 < LICENSE > arrived &"
    "$wine" "$exe" -l -p $((base + 1)) -q 1 < "$root/LICENSE" > "$work/arrived" \
        2> "$work/background.log" &
    server=$!
    pids="$pids $server"
    listens $((base + 1))
    shown sh -c "nc -N 127.0.0.1 $((base + 1)) < '$root/README.md' > '$work/back'"
    wait $server
    cmp "$work/arrived" "$root/README.md"
    cmp "$work/back" "$root/LICENSE"
    expect "as a server, whose peer half-closes" \
        "$(wc -c < "$work/arrived") $(wc -c < "$work/back")" \
        "$(wc -c < "$root/README.md") $(wc -c < "$root/LICENSE")"
    finish
}

mosquitto() {
    unpacked mosquitto mosquitto-2.0.11
    lines=$(cat "$work"/mosquitto/src/*.[ch] | wc -l)
    say "mosquitto: a broker of MQTT; $lines lines, and its library"
    # Without what comes from other libraries. The clients are native, from the same source.
    set -- WITH_TLS=no WITH_CJSON=no WITH_SYSTEMD=no WITH_DOCS=no WITH_SRV=no WITH_WRAP=no \
        WITH_WEBSOCKETS=no WITH_STRIP=no WITH_SHARED_LIBRARIES=no WITH_STATIC_LIBRARIES=yes
    built env POLLUX_PURE=1 make -j 2 -C "$work/mosquitto/src" CC="$CC" UNAME=Windows \
        WITH_EPOLL=no "$@" mosquitto
    unchanged mosquitto
    rm -rf "$work/mosquitto-native"
    cp -a "$sources/mosquitto-2.0.11" "$work/mosquitto-native"
    built make -j 2 -C "$work/mosquitto-native/lib" "$@"
    built make -j 2 -C "$work/mosquitto-native/client" "$@"
    client=$work/mosquitto-native/client
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$base" > "$work/mosquitto.conf"
    background "$wine" "$work/mosquitto/src/mosquitto.exe" -v -c "$work/mosquitto.conf"
    broker=${pids##* }
    listens "$base"
    printf '  $ mosquitto_sub -p %s -q 1 -t "pollux/#" -C 20 -v > got &\n' "$base"
    "$client/mosquitto_sub" -p "$base" -q 1 -t 'pollux/#' -C 20 -v > "$work/got" &
    subscriber=$!
    pids="$pids $subscriber"
    until_true logged 1 "Sending SUBACK"
    shown sh -c "seq 20 | '$client/mosquitto_pub' -p $base -q 1 -t pollux/count -l"
    wait $subscriber
    expect "20 messages, in order" "$(tr '\n' ' ' < "$work/got")" \
        "$(seq -f 'pollux/count %g' 20 | tr '\n' ' ')"
    "$client/mosquitto_sub" -p "$base" -t large -C 1 > "$work/got" &
    subscriber=$!
    pids="$pids $subscriber"
    until_true logged 2 "Sending SUBACK"
    file=$prefix/lib/libpollux-posix.a
    size=$(wc -c < "$file")
    shown "$client/mosquitto_pub" -p "$base" -t large -q 2 -f "$file"
    wait $subscriber
    head -c "$size" "$work/got" | cmp - "$file"
    expect "a message of $size bytes" "$(wc -c < "$work/got")" $((size + 1))
    shown kill -INT "$broker" # Wine makes Ctrl-C of it, and the layer SIGINT.
    wait "$broker" && code=0 || code=$?
    expect "SIGINT ends it in its own way" \
        "$code $(grep -c terminating "$work/background.log")" "0 1"
    finish
}

# A library that POSIX has in the C library: with it, regex.h is there too.
tre() {
    say "TRE: regex.h, as a library"
    unpacked tre tre-0.8.0
    (
        cd "$work/tre"
        CC="$CC" built ./configure --host=x86_64-w64-mingw32 --disable-shared --disable-nls \
            --disable-agrep --prefix="$work/tre-installed"
        built make -C lib install
        built make -C tests retest.exe
    )
    unchanged tre
    (cd "$work/tre/tests" && shown "$wine" retest.exe < /dev/null) > "$work/got"
    tail -n 3 "$work/got"
    expect "its own tests" "$(grep -c '^All [0-9]* tests passed' "$work/got")" 1
    built "$CC" -I"$work/tre-installed/include/tre" tests/posix/patterns.c -o "$work/patterns.exe" \
        -L"$work/tre-installed/lib" -ltre
    cc tests/posix/patterns.c -o "$work/patterns"
    for pattern in '([0-9]+)[.]([0-9]+)' '^(#+) +(.*)$' '(a|b)*[[:space:]]\(([^)]+)\)' '[z-a]'; do
        "$work/patterns" "$pattern" < docs/posix.md > "$work/natively" 2>&1 || true
        "$wine" "$work/patterns.exe" "$pattern" < docs/posix.md > "$work/got" 2>&1 || true
        expect "$(wc -l < "$work/got") lines for $pattern, as natively" \
            "$(tr -d '\r' < "$work/got")" "$(cat "$work/natively")"
    done
}

mkdir -p "$work" "$sources"
say "the layer"
built cmake -S . -B build/posix-release -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_TOOLCHAIN_FILE="$root/ci/toolchains/x86_64-w64-mingw32.cmake" \
    -DPOLLUX_BUILD_TOOLS=OFF -DPOLLUX_BUILD_EXAMPLES=OFF
built cmake --build build/posix-release -j 2
built cmake --install build/posix-release --prefix "$prefix"
CC=$prefix/bin/pollux-cc
WINEPREFIX=$(sh ci/wine-prefix.sh)
export WINEPREFIX WINEDEBUG=-all
[ $# -gt 0 ] || set -- microsocks rinetd udns netcat mosquitto tre
# Mirrors lack a source package now and then. That is said, and is no fault of the layer; but some
# must have been there.
absent=
for one; do
    package=$one
    [ "$one" != netcat ] || package=netcat-traditional
    if fetch "$package"; then
        "$one"
    else
        echo "posix-programs: the mirror does not give the source of $package" >&2
        absent="$absent $package"
    fi
done
echo
[ "$passed" -gt 0 ] || exit 1
echo "posix-programs: $passed checks passed${absent:+; no source to be had of:$absent}"
