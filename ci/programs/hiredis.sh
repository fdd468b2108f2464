# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
hiredis() {
    say "hiredis: Redis' client library, with its own tests"
    # The package redis-server would start a service. Its program is in redis-tools, too, by another
    # name, and goes by the name that it is called by.
    sh ci/packages.sh redis-tools
    ln -sf /usr/bin/redis-check-rdb "$work/redis-server"
    unpacked hiredis hiredis-0.14.1
    built make -C "$work/hiredis" CC="$CC" static hiredis-test
    unchanged hiredis
    built "$CC" tests/posix/relay.c -o "$work/relay.exe"
    background "$work/redis-server" --port "$base" --bind 127.0.0.1 --save '' --dir "$work"
    listens "$base"
    # The library reaches a Unix-domain socket of the layer's, behind which is that server.
    rm -f "$work/redis.sock"
    background "$wine" "$work/relay.exe" "$work/redis.sock" "$base"
    until_true test -e "$work/redis.sock"
    # One of them gives its server 10 ms, which is not always enough on a busy machine.
    for _ in 1 2 3; do
        (cd "$work" && shown "$wine" hiredis/hiredis-test.exe -h 127.0.0.1 -p "$base" \
            -s redis.sock --skip-throughput < /dev/null) > "$work/got" 2>&1 || true
        grep -aq 'the timeout is not exceeded.*FAILED' "$work/got" || break
    done
    grep -av PASSED "$work/got" | tail -n 12
    expect "its own tests" "$(grep -ac PASSED "$work/got"), $(tail -n 1 "$work/got" | tr -d '\r')" \
        "84, ALL TESTS PASSED"
    finish
}
