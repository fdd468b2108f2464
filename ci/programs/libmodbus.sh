# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
# A library; its tests are servers and clients over TCP, at a port of theirs.

# modbus_server NAME ARGUMENTS...: starts one of them, in the background.
modbus_server() {
    program=$work/libmodbus/tests/$1.exe
    shift
    background "$wine" "$program" "$@"
    server=${pids##* }
    listens 1502
}

# modbus_client NAME ARGUMENTS...: one of them, to that server. How both ended.
modbus_client() {
    program=$work/libmodbus/tests/$1.exe
    shift
    timeout 100 "$wine" "$program" "$@" < /dev/null > "$work/got" 2>&1 && code=0 || code=$?
    wait "$server" && ended="$code 0" || ended="$code $?"
    pids=
}

libmodbus() {
    say "libmodbus: a protocol of industry, over TCP with select()"
    sh ci/packages.sh autoconf automake libtool
    unpacked libmodbus libmodbus-3.1.6
    (
        cd "$work/libmodbus"
        # For mingw32 its configure takes Windows' code; as for Linux, it runs what it builds.
        export POLLUX_PURE=1 POLLUX_RUN="$wine"
        built autoreconf -fi
        built ./configure --disable-shared --enable-static --without-documentation \
            --disable-dependency-tracking CC="$CC"
        built make -j 2 -C src
        built make -j 2 -C tests unit-test-server.exe unit-test-client.exe random-test-server.exe \
            random-test-client.exe
    )
    unchanged libmodbus
    modbus_server random-test-server
    modbus_client random-test-client
    expect "its random test" "$ended, $(tail -n 1 "$work/got" | tr -d '\r')" "0 0, Test: SUCCESS"
    # A busy machine is too slow for some of these, natively too: they tell 5 ms from 7.
    for address in tcp tcppi; do
        runs=0
        ended=
        until [ "$ended" = '0 0' ] || [ $runs -eq 10 ]; do
            modbus_server unit-test-server $address
            modbus_client unit-test-client $address
            runs=$((runs + 1))
        done
        tail -n 3 "$work/got"
        expect "its own tests, $address; runs: $runs" \
            "$ended, $(tail -n 1 "$work/got" | tr -d '\r')" "0 0, ALL TESTS PASS WITH SUCCESS."
    done
    # Another's client: it writes, reads that back, and asks for what is not there.
    modbus_server random-test-server
    answer=$(python3 -c '
import socket, struct
one = socket.create_connection(("127.0.0.1", 1502), 30)
replies = one.makefile("rb")
def ask(number, request):
    one.sendall(struct.pack(">HHHB", number, 0, len(request) + 1, 1) + request)
    answered, _, length, _ = struct.unpack(">HHHB", replies.read(7))
    return replies.read(length - 1) if answered == number else b""
whole = 0
for i in range(300):
    values = struct.pack(">3H", i, 65535 - i, i * 7)
    written = ask(2 * i, struct.pack(">BHHB", 16, i, 3, 6) + values)
    read = ask(2 * i + 1, struct.pack(">BHH", 3, i, 3))
    whole += written == struct.pack(">BHH", 16, i, 3) and read == b"\3\6" + values
print(whole, ask(1000, struct.pack(">BHH", 3, 499, 2)).hex())
')
    wait "$server" && code=0 || code=$?
    pids=
    expect "another's client" "$answer, $code" "300 8302, 0"
}
