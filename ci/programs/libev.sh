# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
# A library; tests/posix/watchers.c is a server over it, built natively too, from the same source.

# watchers BACKEND COMMAND...: what the server prints that COMMAND is, and how it ends.
watchers() {
    backend=$1
    shift
    background "$@" "$backend" "$base" 8
    server=${pids##* }
    # Watchers of time, of signals, of a child and of a thread, one after the other; then clients.
    until_true logged 1 'woken by a thread'
    echoed=$(python3 -c '
import os, socket, sys, threading
whole = []
def client():
    wanted, got = os.urandom(500000), b""
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as one:
        sender = threading.Thread(target=lambda: (one.sendall(wanted), one.shutdown(1)))
        sender.start()
        while part := one.recv(65536):
            got += part
        sender.join()
    whole.append(got == wanted)
clients = [threading.Thread(target=client) for _ in range(8)]
[one.start() for one in clients]
[one.join() for one in clients]
print(f"echoed to {whole.count(True)}")
' "$base")
    until_true logged 1 'all have ended'
    kill -INT "$server" # Wine makes Ctrl-C of it, and the layer SIGINT.
    wait "$server" && code=0 || code=$?
    pids=
    printed=$(tr -d '\r' < "$work/background.log" && echo "$echoed, exit $code")
}

libev() {
    say "libev: an event loop, over select(), poll() and epoll"
    unpacked libev libev-4.33
    (
        cd "$work/libev"
        export POLLUX_PURE=1 # It has a Windows branch of its own.
        built ./configure --host=x86_64-w64-mingw32 --disable-shared CC="$CC"
        built make
    )
    unchanged libev
    built env POLLUX_PURE=1 "$CC" -w -I"$work/libev" tests/posix/watchers.c \
        -o "$work/watchers.exe" "$work/libev/.libs/libev.a"
    built cc -w -DEV_STANDALONE=1 -I"$work/libev" tests/posix/watchers.c "$work/libev/ev.c" \
        -o "$work/watchers" -lm -lpthread
    expect "the backends that it offers" "$("$wine" "$work/watchers.exe" | tr -d '\r')" \
        "$("$work/watchers")"
    for one in select poll epoll signalfd; do
        watchers "$one" "$work/watchers"
        natively=$printed
        watchers "$one" "$wine" "$work/watchers.exe"
        printf '%s\n' "$printed" | sed 's/^/  /'
        expect "$one: all watchers, as natively" "$printed" "$natively"
    done
}
