# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
# Over libevent, which is built with it.

# cached METHOD: with 200 connections from eight threads, and by UDP. libevent takes the best method
# that no variable forbids.
cached() {
    case $1 in
    epoll) set -- "$1" env ;;
    poll) set -- "$1" env EVENT_NOEPOLL=1 ;;
    select) set -- "$1" env EVENT_NOEPOLL=1 EVENT_NOPOLL=1 ;;
    esac
    method=$1
    shift
    background "$@" EVENT_SHOW_METHOD=1 "$wine" "$work/memcached/memcached.exe" -l 127.0.0.1 \
        -p "$base" -U "$base" -t 4 -v -o hashpower=16,no_lru_crawler
    server=${pids##* }
    listens "$base"
    until_true is_bound udp "$base"
    answer=$(python3 -c '
import os, socket, sys, threading
port = int(sys.argv[1])
class Client:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.lines = self.socket.makefile("rb")
    def ask(self, request):
        self.socket.sendall(request + b"\r\n")
        return self.lines.readline().decode().strip()
    def set(self, key, value):
        return self.ask(b"set %s 0 0 %d\r\n%s" % (key, len(value), value))
    def get(self, key):
        answer = self.ask(b"get " + key)
        if answer == "END":
            return None
        value = self.lines.read(int(answer.split()[3]))
        return value if self.lines.read(7) == b"\r\nEND\r\n" else b"?"
one = Client()
large = os.urandom(1000000)
print(one.set(b"large", large), one.get(b"large") == large, one.get(b"none"))
print(one.set(b"n", b"41"), one.ask(b"incr n 1"), one.ask(b"delete n"), one.get(b"n"))
clients = [Client() for _ in range(200)]
whole = []
def work(n):
    for i, client in enumerate(clients[n::8]):
        key, value = b"%d-%d" % (n, i), os.urandom(20 + 1000 * i)
        set = client.set(key, value) == "STORED"
        whole.append(set and clients[n].get(key) == value)
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(whole.count(True), "values from", len(clients), "connections")
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.settimeout(60)
datagrams.sendto(b"\0\1\0\0\0\1\0\0get 3-2\r\n", ("127.0.0.1", port))
print(datagrams.recv(3000)[8:].partition(b"\r\n")[0].decode())
' "$base")
    expect "${method}: values, counters, 200 connections, UDP" "$answer" "STORED True None
STORED 42 DELETED None
200 values from 200 connections
VALUE 3-2 0 2020"
    kill -INT "$server" # Wine makes Ctrl-C of it, and the layer SIGINT.
    wait "$server" && code=0 || code=$?
    pids=
    expect "SIGINT ends it in its own way" "$code $(grep -c 'Exiting normally' \
        "$work/background.log"), $(sed -n 's/.*libevent using: //p' "$work/background.log" |
            tr -d '\r' | sort -u)" "0 1, $method"
}

memcached() {
    say "memcached: a cache, four threads over libevent: epoll, poll() and select()"
    libevent_build
    unpacked memcached memcached-1.6.18
    (
        cd "$work/memcached"
        # It has a Windows branch of its own, and its configure runs what it builds.
        export POLLUX_PURE=1 POLLUX_RUN="$wine"
        built ./configure --disable-docs --disable-coverage --disable-dependency-tracking \
            CC="$CC" CFLAGS=-O1 CPPFLAGS="-I$work/libevent/include" \
            LDFLAGS="-L$work/libevent/.libs"
        built make -j 2 AUTOMAKE=: ACLOCAL=: AUTOCONF=: AUTOHEADER=: memcached.exe
    )
    unchanged memcached
    for one in epoll poll select; do
        cached "$one"
    done
}
