#!/bin/sh
# tests/tool_serve.sh - runs the program pollux as its users would, and looks at what comes out.
#
#   sh tests/tool_serve.sh POLLUX [EMULATOR [ARGUMENT...]]
#
# Prints a line for each check, and ends with 0 only if all have passed. What curl does is left out
# where there is no curl.
set -u
. "$(dirname "$0")/tool_checks.sh"

# fetch WHAT EXPECTED ARGUMENT...: what curl writes out with -w.
fetch() {
    what=$1
    expected=$2
    shift 2
    curl --silent --max-time 60 "$@" "http${address#tcp}/" >"$out" 2>&1
    if [ "$(tr -d '\r' <"$out")" = "$expected" ]; then
        passed "http: $what"
    else
        failed "http: $what"
    fi
}

# talk WHAT EXPECTED TEXT: sends the text, and compares how many answers of which status come until
# the server closes.
talk() {
    # The text is a format for the sake of its \r and \n.
    # shellcheck disable=SC2059
    printf "$3" | curl --silent --max-time 60 --no-buffer "telnet://${address#tcp://}" >"$out" 2>&1
    answers=$(tr -d '\r' <"$out" | sed -n 's/.*HTTP\/1\.1 \([0-9]*\) .*/\1/p' | tr '\n' ' ')
    if [ "$answers" = "$2 " ]; then
        passed "http: $1"
    else
        failed "http: $1: \"$answers\" instead of \"$2\""
    fi
}

# --- what needs no server -------------------------------------------------------------------------

expect "help" 0 '^usage: pollux COMMAND' --help
expect "version" 0 '^pollux [0-9]' --version
for command in serve load compare backends; do
    expect "help of $command" 0 "^usage: pollux $command" "$command" --help
done
expect "no command" 2 "Try 'pollux --help'"
expect "unknown command" 2 'did you mean "serve"' sevre
expect "unknown option" 2 'did you mean --listen' serve --lisen tcp://127.0.0.1:0
expect "unknown mode" 2 'choose echo, http, discard or chargen' serve --mode ftp
expect "missing address" 2 "Try 'pollux load --help'" load
expect "wrong number" 2 'is not a number from 1 to' load --connections 0 tcp://127.0.0.1:1
expect "a service that cannot block" 2 'block is for --mode http' serve --block 1
expect "blocking for no time" 2 'block: "0" is not a number from 1 to' serve --mode http --block 0
expect "a new connection and a pipeline" 2 'reconnect sends one request on each connection' \
    load --reconnect --pipeline 2 tcp://127.0.0.1:1
expect "slow clients and a rate" 2 'slow is for a closed loop; leave out --rate' \
    load --slow 2 --rate 10 tcp://127.0.0.1:1
expect "slow clients and a pipeline" 2 'a slow client sends one request at a time' \
    load --slow 2 --pipeline 2 tcp://127.0.0.1:1
expect "more slow clients than there are" 2 'slow: 5 is more than the number of --connections, 4' \
    load --slow 5 --connections 4 tcp://127.0.0.1:1
expect "a time without slow clients" 2 'say how many with --slow' \
    load --slow-time 2 tcp://127.0.0.1:1
default=$(pollux backends | tr -d '\r' | sed -n 's/^\([a-z]*\)  *default .*/\1/p')
expect "no option --verbose" 2 '^pollux load: unknown option "--verbose"' load --verbose=1
expect "the beginning of an option" 2 'did you mean --idle-timeout' serve --idle 3
expect "unexpected argument of serve" 2 'unexpected argument "b"; name addresses with --listen' \
    serve b
expect "unexpected argument of load" 2 'unexpected argument "b"; load takes one address' load a b
expect "unexpected argument of compare" 2 'unexpected argument "b"' compare b
expect "unexpected argument of backends" 2 'unexpected argument "b"' backends b
# What is wrong use whatever the command finds out by.
for address in nowhere http://127.0.0.1:1 tcp://host:1 tcp://127.0.0.1:65536; do
    expect "serve at $address" 2 'tcp://host:port' serve --listen "$address"
    expect "load of $address" 2 'tcp://host:port' load "$address"
done
expect "serve on an unknown backend" 2 'unknown backend "kettle"; choose ' serve --backend kettle
expect "load on an unknown backend" 2 "did you mean \"$default\"" \
    load --backend "x$default" tcp://127.0.0.1:1
expect "compare with an unknown backend" 2 "did you mean \"$default\"" \
    compare --backends "x$default"
expect "nobody listens" 1 'tcp://127.0.0.1:1: connection refused' \
    load --duration 1 tcp://127.0.0.1:1
expect "backends" 0 'runs here' backends
expect_json "backends as JSON" backends --json

# expect_full ARGUMENT...: a report that cannot be written is a failure.
expect_full() {
    pollux "$@" >/dev/full 2>"$out"
    ended=$?
    if [ "$ended" -eq 1 ] && grep -q 'could not be written' "$out"; then
        passed "$1: no room for the output"
    else
        failed "$1: no room for the output: ended with $ended"
    fi
}

if [ -z "$emulator" ] && [ -c /dev/full ]; then
    expect_full --help
    expect_full backends --json
fi

# --- POLLUX_BACKEND -------------------------------------------------------------------------------

other=$(pollux backends | tr -d '\r' | sed -n 's/^\([a-z]*\)  *runs here.*/\1/p' | sed -n 1p)
expect "the default is marked" 0 "^$default  *default  *" backends
if [ -n "$other" ]; then
    export POLLUX_BACKEND="$other"
    expect "the default stays the default" 0 "^$default  *default  *" backends
    expect "POLLUX_BACKEND selects" 0 "^$other  *selected  *runs here" backends
    expect_json "POLLUX_BACKEND selects, as JSON" backends --json
fi
export POLLUX_BACKEND="x$default"
expect "backends are listed whatever POLLUX_BACKEND names" 0 "^$default  *default  *" backends
expect "backends with an unknown POLLUX_BACKEND" 0 \
    "POLLUX_BACKEND: unknown backend \"x$default\"; did you mean \"$default\"" backends
expect "serve with an unknown POLLUX_BACKEND" 2 'POLLUX_BACKEND: unknown backend "x' \
    serve --listen tcp://127.0.0.1:0
expect "load with an unknown POLLUX_BACKEND" 2 'POLLUX_BACKEND: unknown backend "x' \
    load tcp://127.0.0.1:1
expect "--backend matters more than POLLUX_BACKEND" 1 'tcp://127.0.0.1:1: connection refused' \
    load --backend "$default" --duration 1 tcp://127.0.0.1:1
export POLLUX_BACKEND=
expect "an empty POLLUX_BACKEND selects nothing" 0 "^$default  *default  *" backends
if grep -q -e 'POLLUX_BACKEND' -e 'selected' "$out"; then
    failed "an empty POLLUX_BACKEND selects nothing"
fi
expect "load with an empty POLLUX_BACKEND" 1 'tcp://127.0.0.1:1: connection refused' \
    load --duration 1 tcp://127.0.0.1:1
unset POLLUX_BACKEND

# --- settings -------------------------------------------------------------------------------------

unknown='setting "idle_after"; did you mean "idle_after_ns"? .pollux backends --settings. lists'
expect "an unknown setting" 2 "^pollux serve: --set: no backend has a $unknown" \
    serve --set idle_after=1
expect "a setting without a value" 2 '^pollux load: --set: "idle_set" has no value; write KEY=' \
    load --set idle_set tcp://127.0.0.1:1
expect "a switch that is neither" 2 '^pollux load: --set: idle_set: "1" is neither on nor off' \
    load --set idle_set=1 tcp://127.0.0.1:1
expect "a setting out of range" 2 'accepts_ahead: "1025" is not a number from 1 to 1024' \
    serve --set idle_set=on --set accepts_ahead=1025
expect "settings of any backend" 1 'tcp://127.0.0.1:1: connection refused' \
    load --set idle_set=off --set accepts_ahead=2 --duration 1 tcp://127.0.0.1:1
if pollux backends | grep -q '^poll '; then
    expect "an unknown setting of poll" 2 "^pollux serve: --set: poll has no $unknown" \
        serve --set idle_after=1 --backend poll
    expect "settings are listed" 0 '^poll  *idle_after_ns  *how long' backends --settings
    expect_json "settings are listed as JSON" backends --settings --json
    serve --mode echo --backend poll --set idle_set_min=1 --set idle_after_ns=1
    expect_load "load of a server with settings" '^requests  *[1-9]' --connections 4 \
        --backend poll --set idle_set=off "$address"
    serve_end "serve with settings"
    names=poll
    [ "$other" = poll ] || names=poll${other:+,$other}
    expect "a setting in a comparison" 0 '^poll  *1 ' compare --seconds 0.3 --connections 1 \
        --backends "$names" --set idle_set=off
fi
if pollux backends | grep -q '^select '; then
    expect "a setting of another backend" 2 \
        'select has no setting "idle_set"; the backend poll has it' \
        compare --backends select --set idle_set=on
fi
export POLLUX_SETTINGS='idle_set=off idle_after_ns=1000000'
expect "POLLUX_SETTINGS" 1 'tcp://127.0.0.1:1: connection refused' \
    load --duration 1 tcp://127.0.0.1:1
export POLLUX_SETTINGS='idle_set=off idle_after=1'
for command in serve compare 'load tcp://127.0.0.1:1'; do
    # shellcheck disable=SC2086
    expect "a wrong POLLUX_SETTINGS: ${command%% *}" 2 \
        "POLLUX_SETTINGS: no backend has a $unknown" $command
done
expect "backends with a wrong POLLUX_SETTINGS" 0 "POLLUX_SETTINGS: no backend has a $unknown" \
    backends
expect "--backend matters more than POLLUX_SETTINGS" 1 'tcp://127.0.0.1:1: connection refused' \
    load --backend "$default" --duration 1 tcp://127.0.0.1:1
unset POLLUX_SETTINGS

# --- HTTP -----------------------------------------------------------------------------------------

serve --mode http
if command -v curl >/dev/null; then
    status='%{http_code} %{http_version} %{num_connects} %{size_download}'
    page='Hello, World!'
    fetch "GET" "$page" --fail
    fetch "HEAD" '200 1.1 1 0' --head --output "$scratch/head" --write-out "$status"
    fetch "HTTP/1.0" "${page}200 1.1 1 13" --http1.0 --write-out "$status"
    fetch "Connection: close" "${page}200 1.1 1 13" --header 'Connection: close' \
        --write-out "$status"
    fetch "POST" "${page}200 1.1 1 13" --data 'some text' --write-out "$status"
    dd if=/dev/zero of="$scratch/body" bs=65536 count=48 2>/dev/null
    fetch "POST of 3 MiB, which asks first" "${page}200 1.1 1 13" --data-binary "@$scratch/body" \
        --write-out "$status"
    fetch "keep-alive" "$page$page" "http${address#tcp}/1"
    last='GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    talk "two requests at once" "200 200" "GET / HTTP/1.1\r\nHost: x\r\n\r\n$last"
    talk "garbage" 400 'garbage\r\n\r\n'
    talk "garbage behind a request" "200 400" 'GET / HTTP/1.1\r\nHost: x\r\n\r\ngarbage\r\n\r\n'
    talk "HTTP/1.0 ends the connection" 200 'GET / HTTP/1.0\r\n\r\n'
fi
port=${address##*:}
expect "port in use" 1 "the address is in use (port $port)" serve --listen "$address"
expect_load "load http" '^requests  *[1-9]' --mode http --connections 4 "$address"
expect_load "load http, pipelined" '^requests  *[1-9]' --mode http --connections 2 --pipeline 8 \
    "$address"
expect_load "load http at a rate" '^requests  *[1-9]' --mode http --connections 4 --rate 500 \
    "$address"
expect_load "load http, a connection for each request" '^connects  *[1-9]' --mode http \
    --connections 4 --reconnect "$address"
expect_load "load http, a connection for each request, at a rate" '^connects  *[1-9]' --mode http \
    --connections 4 --reconnect --rate 500 "$address"
expect_load "load http, slow clients" '^requests  *[1-9]' --mode http --connections 4 --slow 2 \
    --slow-time 0.05 "$address"
expect_load "load http, slow clients alone, on a connection each time" '^connects  *[1-9]' \
    --mode http --connections 4 --slow 4 --slow-time 0.02 --reconnect "$address"
expect_json "load as JSON, with all of that" load --mode http --duration 3 --json --reconnect \
    --slow 4 --slow-time 0.1 "$address"
expect_load "load reports requests in flight" '^in flight  *[1-9][0-9]* requests at the end' \
    --mode http --connections 4 "$address"
expect_load "load as JSON" '"in_flight_at_end":' --mode http --json "$address"
expect_json "load as JSON, to programs" load --mode http --duration 3 --json "$address"
serve_end "serve http"

# --- the others -----------------------------------------------------------------------------------

serve --mode echo
expect_load "load echo" '^requests  *[1-9]' --connections 4 --size 3000 "$address"
expect "load of the wrong kind" 1 'no request was answered' load --mode http --duration 0.2 \
    --connections 1 "$address"
expect_load "load echo, a connection for each request" '^connects  *[1-9]' --connections 4 \
    --reconnect "$address"
serve_end "serve echo"

serve --mode http --block 10
expect_load "load of a handler that blocks" '^requests  *[1-9]' --mode http --connections 2 \
    "$address"
if awk '/^requests/ && $2 * 0.009 > $4 { exit 1 }' "$out"; then
    passed "a handler that blocks for 10 ms answers 100 requests a second at the most"
else
    failed "a handler that blocks for 10 ms answers 100 requests a second at the most"
fi
serve_end "serve http, blocking"

: >"$scratch/serve"
# Nothing but the end of its input ends this one.
# shellcheck disable=SC2086
if $emulator "$program" serve --listen tcp://127.0.0.1:0 --until-stdin-ends --json \
    </dev/null >"$scratch/serve" 2>&1 &&
    grep -q '"event":"summary"' "$scratch/serve"; then
    passed "serve until standard input ends"
else
    cp "$scratch/serve" "$out"
    failed "serve until standard input ends"
fi

# Wine 8 has no Unix-domain sockets; where there are some, the end of its input ends this one.
if [ -n "$emulator" ]; then
    pollux serve --listen tcp://127.0.0.1:0 --takeover pollux-control.sock --until-stdin-ends \
        >"$out" 2>&1
    ended=$?
    if [ "$ended" -eq 0 ] || grep -q \
        'takeover pollux-control.sock: this system has no sockets of that address family' \
        "$out"; then
        passed "--takeover, or why not"
    else
        failed "--takeover, or why not: ended with $ended"
    fi
fi

# --- several loops --------------------------------------------------------------------------------

expect "an unknown policy" 2 'unknown policy "best"; choose inline, round-robin, least-conn' \
    serve --dispatch best
expect "a policy that needs a function" 2 'unknown policy "chosen"' serve --dispatch chosen
expect "inline for two loops" 2 'inline is for one loop; leave out --loops' \
    serve --dispatch inline --loops 2
expect "thread with two loops" 2 'say with --handlers how many serve' \
    serve --dispatch thread --loops 2
expect "handlers without their policy" 2 '--handlers is for --dispatch thread and fork' \
    serve --loops 2 --handlers 3
expect "no handlers" 2 '"0" is not a number from 1 to 1024' serve --dispatch thread --handlers 0
expect "too many loops" 2 '"1025" is not a number from 0 to 1024' serve --loops 1025
expect "a drain without a number" 2 '"soon" is not a number of seconds' serve --drain soon
if pollux backends | grep -q '^select '; then
    expect "a policy that the backend lacks" 1 'shared: it needs .*"round-robin" works everywhere' \
        serve --backend select --dispatch shared --loops 2 --listen tcp://127.0.0.1:0
fi
expect "a prefix with bits behind it" 2 '"10.0.0.1/8" is not a block of addresses' \
    serve --proxy-from 10.0.0.1/8
expect "a prefix without the protocol" 2 '^pollux serve: --proxy-from is for --proxy-protocol' \
    serve --proxy-from 10.0.0.0/8
expect "a version that is none" 2 '"2" is no version; choose v1 or v2' load --proxy-protocol 2 x
serve --mode http --proxy-protocol
for version in v1 v2; do
    expect_load "a PROXY header, $version" '^requests ' --mode http --proxy-protocol "$version" \
        "$address"
done
serve_end "serve with PROXY headers"
serve --mode http --loops 2 --health tcp://127.0.0.1:0
health=$(tr -d '\r' <"$scratch/serve" | sed -n 's/^health at tcp:/http:/p')
expect_load "a load of who is asked for its health" '^requests  *[1-9]' --mode http "$address"
if command -v curl >/dev/null; then
    curl -s "$health/health" "$health/metrics" >"$out" 2>&1
    if grep -q "^ok\$" "$out" &&
        grep -q '^pollux_connections_adopted_total{loop="0"} [1-9]' "$out"; then
        passed "health and metrics"
    else
        failed "health and metrics"
    fi
fi
serve_end "serve with --health"
for policy in round-robin least-connections; do
    serve --mode http --loops 2 --dispatch "$policy"
    if grep -q "2 loops, $policy)" "$scratch/serve"; then
        passed "two loops, $policy"
    else
        cp "$scratch/serve" "$out"
        failed "two loops, $policy"
    fi
    expect_load "load of two loops, $policy" '^requests  *[1-9]' --mode http --connections 6 \
        "$address"
    serve_end "serve with two loops, $policy"
done
serve --mode http --dispatch thread --handlers 6
expect_load "load of six threads" '^requests  *[1-9]' --mode http --connections 6 "$address"
serve_end "serve with threads"
if grep -q '^requests  *[1-9]' "$out"; then
    passed "threads count requests"
else
    failed "threads count requests"
fi
# Windows has no fork(), and ThreadSanitizer a thread of its own.
if [ -z "$emulator" ] && [ -z "${POLLUX_HAS_TSAN:-}" ]; then
    for policy in 'fork --handlers 6' 'prefork --loops 2'; do
        # shellcheck disable=SC2086
        serve --mode http --dispatch $policy
        expect_load "load of processes, $policy" '^requests  *[1-9]' --mode http --connections 6 \
            "$address"
        serve_end "serve with processes, $policy"
        # The end of a pipe, and that of a file, which cannot be watched.
        # shellcheck disable=SC2086
        if : | "$program" serve --listen tcp://127.0.0.1:0 --dispatch $policy --until-stdin-ends \
            >"$scratch/serve" 2>&1 && grep -q '^children_lost  *0' "$scratch/serve" &&
            "$program" serve --listen tcp://127.0.0.1:0 --dispatch $policy --until-stdin-ends \
                <"$scratch/serve" >"$scratch/serve2" 2>&1; then
            passed "processes end when standard input ends, $policy"
        else
            cat "$scratch/serve" >>"$out"
            failed "processes end when standard input ends, $policy"
        fi
        if grep -q '^children  *[2-9]' "$out" && grep -q '^children_lost  *0' "$out"; then
            passed "processes are counted, $policy"
        else
            failed "processes are counted, $policy"
        fi
    done
elif [ -n "$emulator" ]; then
    expect "a policy that the system lacks" 1 'fork: it needs a system with fork()' \
        serve --dispatch fork --listen tcp://127.0.0.1:0
fi
serve --mode echo --loops 0 --pin
expect_load "load of a loop on each processor" '^requests  *[1-9]' --connections 6 "$address"
serve_end "serve with a loop on each processor"

# limits WHAT PATTERN ARGUMENT...: what the server with these limits says in its summary, after a
# load of four connections, some of which may be refused.
limits() {
    what=$1
    pattern=$2
    shift 2
    serve --mode http "$@"
    pollux load --mode http --connections 4 --duration 0.3 "$address" >"$out" 2>&1
    kill -INT "$running"
    wait "$running"
    running=
    cat "$scratch/serve" >>"$out"
    if grep -q "$pattern" "$out"; then
        passed "$what"
    else
        failed "$what: nothing like \"$pattern\""
    fi
}

limits "a denied client" '^refused_address  *[1-9]' --allow 127.0.0.0/8 --deny 127.0.0.1
limits "a client that is not allowed" '^refused_address  *[1-9]' --allow 192.0.2.0/24 --allow ::/0
limits "two connections of each address" '^refused_per_address  *[1-9]' --limit-per-address 2
limits "one connection of an address in a second" '^refused_rate  *[1-9]' --limit-rate 1
limits "two connections of all" '^limit_pauses  *[1-9]' --limit-connections 2
limits "no limit that is reached" '^refused_address  *0' --limit-connections 9 --limit-rate 1000 \
    --limit-per-address 9 --limit-slow 1 --allow 127.0.0.1
expect "a wrong block" 2 '"127.0.0.1/8" is not a block of addresses' serve --allow 127.0.0.1/8
expect "a limit of none" 2 '"0" is not a number from 1 to' serve --limit-per-address 0
# The commands of docs/accepting.md, as far as this system has the backends and policies.
pollux backends | tr -d '\r' | sed -n 's/^\([a-z]*\) .* runs here.*/\1/p' >"$scratch/names"
pollux serve --help | tr -d '\r' | sed -n 's/^                           \([a-z-]*\)  .*/\1/p' \
    >>"$scratch/names"
# shellcheck disable=SC2016
sed -n -e 's/^    pollux \(serve .*\)/\1/p' -e 's/^.*`pollux \(serve [^`]*\)`.*/\1/p' \
    "$(dirname "$0")/../docs/accepting.md" | sort -u >"$scratch/commands"
while read -r line; do
    for option in --backend --dispatch; do
        name=$(echo "$line " | sed -n "s/.* $option \([a-z-]*\) .*/\1/p")
        [ -z "$name" ] || grep -q -x -e "$name" "$scratch/names" || continue 2
    done
    case $line in *fork*) [ -z "${POLLUX_HAS_TSAN:-}" ] || continue ;; esac
    # shellcheck disable=SC2086
    pollux $line --listen tcp://127.0.0.1:0 --until-stdin-ends >"$out" 2>&1
    if grep -q -e '^listening on' -e 'dispatch [a-z]*: it needs' "$out"; then
        passed "docs/accepting.md: $line"
    else
        failed "docs/accepting.md: $line"
    fi
done <"$scratch/commands"

# ask_by_half: a whole request and half of another; the rest when there is $scratch/rest.
ask_by_half() {
    printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n'
    tries=0
    while [ ! -e "$scratch/rest" ] && [ "$tries" -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    printf '\r\n'
}

# A process of Wine gets no SIGTERM.
if [ -z "$emulator" ] && command -v curl >/dev/null; then
    serve --mode http --loops 2 --drain 60
    ask_by_half | curl --silent --max-time 60 --no-buffer "telnet://${address#tcp://}" \
        >"$out" 2>&1 &
    client=$!
    await "$out" '200 OK'
    kill -TERM "$running"
    touch "$scratch/rest"
    wait "$client"
    wait "$running"
    ended=$?
    running=
    if [ "$ended" -eq 0 ] && [ "$(grep -c '200 OK' "$out")" -eq 2 ] &&
        grep -q 'Connection: close' "$out" && grep -q '^cut  *0' "$scratch/serve"; then
        passed "a server that drains answers what was asked, and ends"
    else
        cat "$scratch/serve" >>"$out"
        failed "a server that drains answers what was asked, and ends: $ended"
    fi
    # Half a request stays half, so nothing but the second signal ends this one.
    serve --mode http --drain 60
    rm -f "$scratch/rest"
    ask_by_half | curl --silent --max-time 60 --no-buffer "telnet://${address#tcp://}" \
        >"$out" 2>&1 &
    client=$!
    await "$out" '200 OK'
    kill -TERM "$running"
    tries=0
    while curl --silent --max-time 60 "http${address#tcp}/" >/dev/null && [ "$tries" -lt 300 ]; do
        sleep 0.1 # It has not begun yet.
        tries=$((tries + 1))
    done
    kill -TERM "$running"
    wait "$running"
    ended=$?
    running=
    touch "$scratch/rest"
    wait "$client"
    if [ "$ended" -eq 0 ] && grep -q '^cut  *0' "$scratch/serve"; then
        passed "a second signal ends a server that drains"
    else
        cat "$scratch/serve" >>"$out"
        failed "a second signal ends a server that drains: $ended"
    fi
fi

[ "$failures" -eq 0 ] || echo "$failures checks failed"
[ "$failures" -eq 0 ]
