#!/bin/sh
# tests/examples.sh - runs the examples as their users would, and looks at what comes out.
#
#   sh tests/examples.sh DIRECTORY [EMULATOR [POLLUX]]
#
# DIRECTORY holds echo, proxy, chat, restart, retry, threads, examples_client; and curl_multi if it
# was built. EMULATOR is a command that runs them ("" for none), POLLUX the command-line program,
# for one more HTTP server. Prints a line for each check, and ends with 0 only if all have passed.
# Needs no tool that POSIX does not have.
set -u

if [ $# -lt 1 ] || [ $# -gt 3 ]; then
    echo "usage: sh tests/examples.sh DIRECTORY [EMULATOR [POLLUX]]" >&2
    exit 2
fi
directory=$1
emulator=${2:-}
pollux=${3:-}
exe=
[ -f "$directory/echo.exe" ] && exe=.exe
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ex-examples.XXXXXX") || exit 2
any=tcp://127.0.0.1:0
refused=127.0.0.1:1 # Nobody listens there: tcpmux, a port for the superuser only.
running=
failures=0

# Ends what is still running, each by its number.
clean_up() {
    for process in $running; do
        kill -KILL "$process" 2>/dev/null
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# program NAME ARGUMENT...: runs one in the foreground.
program() {
    name=$1
    shift
    # The emulator may have arguments of its own.
    # shellcheck disable=SC2086
    $emulator "$directory/$name$exe" "$@"
}

# start LOG NAME ARGUMENT...: runs one in the background, with what it prints in LOG. Its process
# is then $started.
start() {
    log=$scratch/$1
    name=$2
    shift 2
    : >"$log" # Now, so that nobody reads in it what an earlier program said.
    # shellcheck disable=SC2086
    $emulator "$directory/$name$exe" "$@" >>"$log" 2>&1 </dev/null &
    started=$!
    running="$running $started"
}

# nap: between two looks at something that another process does.
nap() {
    sleep 0.1 2>/dev/null || sleep 1
}

# wait_for TEXT LOG: until LOG has a line with TEXT in it.
wait_for() {
    looks=0
    until grep -q "$1" "$scratch/$2" 2>/dev/null; do
        looks=$((looks + 1))
        if [ $looks -gt 600 ]; then
            check "\"$1\" is in $2 within a minute" 1 "$2" >&2
            return 1
        fi
        nap
    done
}

# address_in LOG: where the server that prints to LOG listens, without the scheme.
address_in() {
    wait_for "listening on" "$1"
    tr -d '\r' <"$scratch/$1" | sed -n 's,^listening on tcp://\([^ ]*\).*,\1,p' | head -n 1
}

# finish PROCESS: waits until it ends, and returns its exit code, or 124 when it does not end.
finish() {
    looks=0
    while kill -0 "$1" 2>/dev/null; do
        looks=$((looks + 1))
        if [ $looks -gt 1300 ]; then
            kill -KILL "$1" 2>/dev/null
            wait "$1" 2>/dev/null
            forget "$1"
            return 124
        fi
        nap
    done
    wait "$1" 2>/dev/null
    ended=$? # Not `code`: a function has no variables of its own here.
    [ $ended -eq 0 ] || endings="$endings $ended"
    forget "$1"
    return $ended
}

forget() {
    left=
    for process in $running; do
        [ "$process" = "$1" ] || left="$left $process"
    done
    running=$left
}

# interrupt PROCESS: Ctrl-C, and whether it ends with 0.
interrupt() {
    kill -INT "$1" 2>/dev/null
    finish "$1"
}

# discard PROCESS: ends one whose exit code says nothing.
discard() {
    kill -KILL "$1" 2>/dev/null
    endings_before=$endings
    finish "$1"
    endings=$endings_before
    return 0
}

# check TEXT CODE [LOG...]: prints the outcome, and what the programs said if it is bad.
endings= # Codes other than 0 that programs of the background ended with since the last check.
check() {
    if [ "$2" -eq 0 ]; then
        echo "ok      $1"
        endings=
        return
    fi
    echo "FAILED  $1 (code $2; programs of the background:${endings:- 0})"
    endings=
    failures=$((failures + 1))
    shift 2
    for log in "$@"; do
        [ -s "$scratch/$log" ] && sed "s/^/        $log: /" "$scratch/$log" | tail -n 20
    done
}

# client LOG STEP...: runs examples_client against $server.
client() {
    log=$scratch/$1
    shift
    program examples_client "tcp://$server" "$@" >"$log" 2>&1 </dev/null
}

# peak_kib PROCESS: the most memory that it ever held, or nothing where the system does not tell.
peak_kib() {
    [ -n "$emulator" ] || sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$1/status" 2>/dev/null
}

large=67108864
no_proxy='*' # What libcurl fetches here is on this machine.
export no_proxy

# --- echo ----------------------------------------------------------------------------------------

start echo.log echo $any
echo_process=$started
server=$(address_in echo.log)
echo_server=$server
client client.log send hello expect hello end eof
check "echo sends back what it receives" $? echo.log client.log

client client.log fill $large count $large end eof
check "echo sends back 64 MiB" $? echo.log client.log

program echo nonsense >"$scratch/error.log" 2>&1
code=$?
[ $code -eq 1 ] && grep -q "echo: nonsense: not an address" "$scratch/error.log"
check "echo says why it cannot listen" $? error.log

# --- proxy ---------------------------------------------------------------------------------------

start proxy.log proxy $any "tcp://$echo_server"
proxy_process=$started
server=$(address_in proxy.log)
client client.log send hello expect hello end eof
check "proxy forwards to echo and back" $? proxy.log client.log

before=$(peak_kib $proxy_process)
client client.log slow 1 fill $large count $large end eof
check "proxy forwards 64 MiB both ways to one who reads slowly" $? proxy.log client.log
after=$(peak_kib $proxy_process)
if [ -n "$before" ] && [ -n "$after" ]; then
    # A pair may hold 512 KiB, and a backend 1.5 MiB of buffers that it touches only now; a
    # sanitizer makes five of each, and keeps some of what was freed. Unbounded it would be 64 MiB.
    echo "        its memory: $before KiB before, $after KiB at the most"
    unbounded=0
    [ $((after - before)) -le 16384 ] || unbounded=1
    check "proxy's memory stays bounded" $unbounded
fi

# Sixteen at once, each with some of it.
clients=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    start "many$i.log" examples_client "tcp://$server" fill 1000000 end count 1000000 eof
    clients="$clients $started"
done
code=0
for process in $clients; do
    finish "$process" || code=1
done
check "proxy serves sixteen at once" $code proxy.log many1.log many2.log

# A client that vanishes with much under way, as seen by the next one.
start hang.log examples_client "tcp://$server" fill $large hang
client client.log send first expect first end eof
discard "$started"
client client.log send again expect again end eof
check "proxy survives a client that vanishes" $? proxy.log client.log

# With a connection open that does not end by itself.
start hang.log examples_client "tcp://$server" send here expect here hang
hanging=$started
wait_for here hang.log
interrupt $proxy_process
check "proxy ends with 0 on Ctrl-C" $? proxy.log
discard "$hanging"
discard $echo_process

# one_way WHAT SERVER_STEPS CLIENT_STEPS: a server that serves one connection, behind a proxy.
one_way() {
    # The steps are words.
    # shellcheck disable=SC2086
    start target.log examples_client listen $any $2
    target=$started
    start proxy.log proxy $any "tcp://$(address_in target.log)"
    server=$(address_in proxy.log)
    # shellcheck disable=SC2086
    client client.log $3
    code=$?
    finish "$target" || code=1
    interrupt "$started" || code=1
    check "$1" $code target.log proxy.log client.log
}

one_way "proxy delivers 64 MiB to one who reads slowly" \
    "expect go fill $large end eof" "send go slow 1 count $large eof end gone"
one_way "proxy takes 64 MiB to a server that reads slowly" \
    "slow 1 count $large eof send thanks end" "fill $large end expect thanks eof"
one_way "proxy passes on that the client has said all" \
    "expect question eof send answer end" "send question end expect answer eof"
one_way "proxy passes on that the server has said all" \
    "send welcome end expect late eof" "expect welcome eof send late end gone"

# A client that never reads may still be heard: what waits in one direction does not hold up the
# other.
start target.log examples_client listen $any fill $large count $large eof
target=$started
start proxy.log proxy $any "tcp://$(address_in target.log)"
proxy_process=$started
server=$(address_in proxy.log)
start client.log examples_client "tcp://$server" fill $large end hang
hanging=$started
finish "$target"
code=$?
discard "$hanging"
interrupt "$proxy_process" || code=1
check "proxy keeps the two directions apart" $code target.log proxy.log client.log

# A server that goes in the middle: what it has sent still comes, then the connection ends.
start target.log examples_client listen $any send part hang
target=$started
start proxy.log proxy $any "tcp://$(address_in target.log)"
proxy_process=$started
server=$(address_in proxy.log)
start client.log examples_client "tcp://$server" send go expect part gone
waiting=$started
wait_for part client.log
discard "$target"
finish "$waiting"
check "proxy ends a connection whose server is gone" $? proxy.log client.log
interrupt "$proxy_process"

start proxy.log proxy $any "tcp://$refused"
server=$(address_in proxy.log)
client client.log gone
code=$?
wait_for "target: connection refused" proxy.log || code=1
interrupt "$started" || code=1
check "proxy turns a client away whose target refuses" $code proxy.log client.log

program proxy $any nonsense >"$scratch/proxy.log" 2>&1
[ $? -eq 2 ] && grep -q "proxy: nonsense: not an address" "$scratch/proxy.log"
check "proxy refuses a target that is no address" $? proxy.log

# --- chat ----------------------------------------------------------------------------------------

start chat.log chat $any
chat_process=$started
server=$(address_in chat.log)
start first.log examples_client "tcp://$server" \
    expect "you are guest 1" expect "guest 2 joined" send "hello from one" \
    expect "guest 2: hello from two" expect "guest 2 left"
first=$started
wait_for "you are guest 1" first.log
client second.log expect "you are guest 2" expect "guest 1: hello from one" send "hello from two"
code=$?
finish "$first" || code=1
check "chat sends lines to the others" $code chat.log first.log second.log
! grep -q "hello from one" "$scratch/first.log" && ! grep -q "hello from two" "$scratch/second.log"
check "chat sends nobody their own lines" $? first.log second.log

start slow.log examples_client "tcp://$server" expect "you are guest" hang
slow=$started
wait_for "you are guest 3" slow.log
client client.log expect "you are guest 4" fill 1000000000 expect "guest 3 left: reads too slowly"
check "chat drops a guest who reads too slowly" $? chat.log slow.log client.log
discard "$slow"

# What guest 4 has sent is still being passed on: whoever joined now might be dropped for it, too.
interrupt $chat_process || true
start chat.log chat $any
chat_process=$started
server=$(address_in chat.log)
start first.log examples_client "tcp://$server" \
    expect "you are guest 1" expect "guest 2 left: the message is larger than the limit"
first=$started
wait_for "you are guest 1" first.log
long=$(printf '%2000s' x | tr ' ' x)
client client.log expect "you are guest 2" send "$long" gone
code=$?
finish "$first" || code=1
check "chat drops a guest whose line is too long" $code chat.log first.log client.log

start first.log examples_client "tcp://$server" expect "you are guest 3" expect "the chat ends" gone
first=$started
wait_for "you are guest 3" first.log
interrupt $chat_process
code=$?
finish "$first" || code=1
check "chat tells its guests and ends with 0 on Ctrl-C" $code chat.log first.log

# --- retry ---------------------------------------------------------------------------------------
# Its simulation has tests of its own: tests/examples_retry.cmake.

start retry.log retry --serve $any
retry_process=$started
server=$(address_in retry.log)
clients=
for i in 1 2 3; do
    start "many$i.log" retry --connect "tcp://$server" --transfers 20
    clients="$clients $started"
done
code=0
for process in $clients; do
    finish "$process" || code=1
done
for i in 1 2 3; do
    grep -q "has made all transfers, 20" "$scratch/many$i.log" || code=1
done
# Each makes transfers of 11, 12, ... 30 units.
grep -q "balance 1230" "$scratch/retry.log" || code=1
check "retry applies all transfers of three clients" $code retry.log many1.log many2.log many3.log
interrupt $retry_process
check "retry ends with 0 on Ctrl-C" $? retry.log

program retry --connect nonsense >"$scratch/error.log" 2>&1
[ $? -eq 2 ] && grep -q "retry: nonsense: not an address" "$scratch/error.log"
check "retry refuses an address that is none" $? error.log

# --- threads -------------------------------------------------------------------------------------

# Four loops: ten clients at once, and one that is connected when Ctrl-C comes.
for policy in round-robin least-connections; do
    start threads.log threads $policy 4 $any
    threads_process=$started
    server=$(address_in threads.log)
    clients=
    for i in 1 2 3 4 5 6 7 8 9 10; do
        start "many$i.log" examples_client "tcp://$server" send "hello $i" expect "hello $i" \
            fill 1000000 count 1000000 end eof
        clients="$clients $started"
    done
    code=0
    for process in $clients; do
        finish "$process" || code=1
    done
    check "threads serves ten at once, on four loops, $policy" $code threads.log many1.log many2.log

    start hang.log examples_client "tcp://$server" send here expect here hang
    hanging=$started
    wait_for here hang.log
    interrupt $threads_process
    check "threads ends with 0 on Ctrl-C, with somebody connected" $? threads.log
    discard "$hanging"
done

program threads inline 1 nonsense >"$scratch/error.log" 2>&1
[ $? -eq 1 ] && grep -q "threads: nonsense: not an address" "$scratch/error.log"
check "threads says why it cannot listen" $? error.log
program threads nearest >"$scratch/error.log" 2>&1
[ $? -eq 2 ] && grep -q "usage: threads" "$scratch/error.log"
check "threads lists its policies" $? error.log

# --- workers -------------------------------------------------------------------------------------

# Two threads: four clients, of whom two wait, and one that is connected when Ctrl-C comes.
start workers.log workers 2 $any
workers_process=$started
server=$(address_in workers.log)
clients=
for i in 1 2 3 4; do
    start "many$i.log" examples_client "tcp://$server" send "hello $i" expect "HELLO $i" end eof
    clients="$clients $started"
done
code=0
for process in $clients; do
    finish "$process" || code=1
done
check "workers serves four with two threads" $code workers.log many1.log many2.log
start last.log examples_client "tcp://$server" send here expect HERE send more expect MORE eof
wait_for HERE last.log
interrupt $workers_process
check "workers ends with 0 on Ctrl-C, with somebody connected" $? workers.log
discard "$started"

program workers 2 nonsense >"$scratch/error.log" 2>&1
[ $? -eq 1 ] && grep -q "workers: nonsense: not an address" "$scratch/error.log"
check "workers says why it cannot listen" $? error.log

# --- restart -------------------------------------------------------------------------------------

program restart >"$scratch/error.log" 2>&1
[ $? -eq 2 ] && grep -q "usage: restart" "$scratch/error.log"
check "restart tells its usage" $? error.log
start old.log restart one $any "$scratch/restart.sock"
old_process=$started
server=$(address_in old.log)
client hello.log expect "version one" send hello expect hello end eof
check "restart serves" $? old.log hello.log
if grep -q "no Unix-domain sockets" "$scratch/old.log"; then
    echo "skipped restart's other version: this system has no Unix-domain sockets"
    discard "$old_process"
else
    start stays.log examples_client "tcp://$server" expect "version one" expect never
    stays_process=$started
    wait_for "version one" stays.log
    start new.log restart two $any "$scratch/restart.sock"
    new_process=$started
    wait_for "took over" new.log
    wait_for "handed over" old.log
    [ "$(address_in new.log)" = "$server" ]
    check "restart's next version listens at the same address" $? old.log new.log
    client hello.log expect "version two" send hello expect hello end eof
    check "restart's next version serves whoever connects" $? old.log new.log hello.log
    kill -0 "$old_process"
    check "restart's old version serves whoever is connected" $? old.log stays.log
    discard "$stays_process"
    finish "$old_process"
    check "restart's old version ends with 0 when they have left" $? old.log
    [ -S "$scratch/restart.sock" ]
    check "restart's next version waits for the one after it" $? new.log
    discard "$new_process"
fi

# --- curl_multi ----------------------------------------------------------------------------------

# fetch WHAT BYTES: twenty at once from $server.
fetch() {
    urls=
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        urls="$urls http://$server/$i"
    done
    # shellcheck disable=SC2086
    program curl_multi $urls >"$scratch/curl.log" 2>&1
    code=$?
    fetched=$(grep -c "^200 $2 bytes [0-9.]* s http://$server/[0-9]*" "$scratch/curl.log")
    [ "$fetched" -eq 20 ] || code=1
    check "$1" $code curl.log
}

if [ -f "$directory/curl_multi$exe" ]; then
    start serve.log examples_client serve $any 100000
    serve_process=$started
    serve_server=$(address_in serve.log)
    server=$serve_server
    fetch "curl_multi fetches twenty URLs at once" 100000

    start proxy.log proxy $any "tcp://$serve_server"
    proxy_process=$started
    server=$(address_in proxy.log)
    fetch "curl_multi fetches them through proxy too" 100000
    interrupt "$proxy_process"

    program curl_multi "http://$serve_server/" "http://$refused/" \
        >"$scratch/curl.log" 2>&1
    code=$?
    [ $code -eq 1 ] && grep -q "^200 100000 bytes" "$scratch/curl.log" &&
        grep -q "^curl_multi: http://$refused/: " "$scratch/curl.log"
    check "curl_multi ends with 1 when a connection is refused" $? curl.log
    discard "$serve_process"

    if [ -n "$pollux" ]; then
        # shellcheck disable=SC2086
        $emulator "$pollux" serve --mode http --listen $any >"$scratch/pollux.log" 2>&1 </dev/null &
        started=$!
        running="$running $started"
        server=$(address_in pollux.log)
        fetch "curl_multi fetches twenty URLs from pollux serve" "[0-9]*"
        discard "$started"
    fi
else
    echo "skipped curl_multi: it was not built"
fi

[ $failures -eq 0 ] || echo "$failures checks have failed"
[ $failures -eq 0 ]
