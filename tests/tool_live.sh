#!/bin/sh
# tests/tool_live.sh - the counters that `pollux serve` shows while it serves: the line of --live,
# on a terminal and elsewhere, and the page of --health. ci/nightly/page.sh has a browser run it.
#
#   sh tests/tool_live.sh POLLUX [EMULATOR [ARGUMENT...]]
#
# Prints a line for each check, and ends with 0 only if all have passed. What script does, which
# makes a terminal, is left out where there is none; so is what curl does.
set -u
. "$(dirname "$0")/tool_checks.sh"

figure='[0-9.]*[kMG]\{0,1\}'
loading=

# load_begin ARGUMENT...: a load that runs until load_end. Its connections stay open meanwhile.
load_begin() {
    # shellcheck disable=SC2086
    $emulator "$program" load --duration 600 "$@" "$address" >"$scratch/load" 2>&1 </dev/null &
    loading=$!
}

load_end() {
    kill -INT "$loading"
    wait "$loading"
    loading=
}

trap '[ -z "$loading" ] || kill -KILL "$loading" 2>/dev/null; clean_up' EXIT

# expect_line WHAT PATTERN [FILE]: some line of the server is like that, now or soon.
expect_line() {
    if await "${3:-$scratch/serve}" "$2"; then
        passed "$1"
    else
        cp "${3:-$scratch/serve}" "$out"
        failed "$1: nothing like \"$2\""
    fi
}

# expect_no_line WHAT PATTERN: no line of the server, which has ended, is like that.
expect_no_line() {
    if grep -q -e "$2" "$scratch/serve"; then
        cp "$scratch/serve" "$out"
        failed "$1: there is \"$2\""
    else
        passed "$1"
    fi
}

# --- without a terminal ---------------------------------------------------------------------------

expect "an unknown --live" 2 'live: "sometimes" is none of auto, always and never' \
    serve --live sometimes
expect "--live for processes" 2 'live is for servers of one process' \
    serve --dispatch prefork --live always --listen tcp://127.0.0.1:0 --until-stdin-ends

serve --mode http --loops 2
expect_load "load of a server that shows nothing" '^requests ' --mode http "$address"
serve_end "serve without a terminal"
expect_no_line "no line without a terminal" '^loop 0 '

serve --mode http --loops 2 --live always
load_begin --mode http --connections 4
# Each loop has two of the connections, gets requests, and sends more than it receives.
loop=" *2  *$figure  *[1-9]$figure  *[1-9]$figure  *[1-9]$figure"
expect_line "the line of two loops" "^$loop|$loop"
load_end
expect_line "the line of two loops when nothing is open" '^ *0 .*| *0 '
serve_end "serve with two loops and their line"
expect_line "the header of two loops" '^loop 0  *|loop 1 '
expect_line "the names of columns" '^  open  new/s  req/s   in/s  out/s|  open  new/s'
if grep '|' "$out" | tr -d '\r' | awk 'length($0) > 79 { exit 1 }' &&
    [ "$(grep -c 'new/s' "$out")" -eq 1 ]; then
    passed "lines end with a newline, and the header is printed once"
else
    failed "lines end with a newline, and the header is printed once"
fi

serve --mode http --loops 4 --live always
load_begin --mode http --connections 8
cell=" *2  *$figure  *$figure  *$figure  *$figure"
expect_line "the line of four loops" "^$cell|$cell|$cell|$cell"
load_end
serve_end "serve with four loops and their line"
tr -d '\r' <"$out" | grep '|' >"$scratch/lines"
if awk 'length($0) != 79 { exit 1 }' "$scratch/lines"; then
    passed "the line of four loops has 79 columns"
else
    failed "the line of four loops has 79 columns"
fi

serve --mode echo --loops 5 --live always
load_begin --connections 7
expect_line "the sum, the least and the most of five loops" '^ *7 .*| *1 .*| *2 '
load_end
serve_end "serve with five loops and their line"
expect_line "the header of five loops" '^all 5 loops  *|least of a loop  *|most of a loop'
expect_line "echo counts no requests" '^ open new/s  in/s out/s| open'

serve --mode http --dispatch thread --handlers 6 --live always
load_begin --mode http --connections 3
expect_line "connections of threads" "^ *3  *$figure *.\{0,1\}\$"
load_end
expect_line "connections of threads that have ended" "^ *0  *$figure *.\{0,1\}\$"
serve_end "serve with threads and their line"

serve --mode http --block 60000 --live always
load_begin --mode http --connections 1
expect_line "a loop that is in a callback" '^ *-  *-  *-'
load_end
kill -KILL "$running"
wait "$running" 2>/dev/null
running=

# unread.py PROGRAM stopped|gone: lines are due for a terminal that was stopped; or lines and notes,
# about clients without PROXY headers, for a pipe whose reader has gone. SIGTERM ends the server in
# order nevertheless.
cat >"$scratch/unread.py" <<'END'
import os
import pty
import re
import subprocess
import sys
import termios

program, how = sys.argv[1:]
readable, writable = pty.openpty() if how == "stopped" else os.pipe()
command = [program, "serve", "--mode", "http", "--live", "always", "--listen", "tcp://127.0.0.1:0"]
if how == "gone":
    command += ["--proxy-protocol"]
# A shell may ignore SIGPIPE; this has the server start without that.
with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=writable,
                      restore_signals=True) as server:
    address = re.match(rb"listening on (\S+)", server.stdout.readline()).group(1)
    os.read(readable, 1)  # The header is there.
    if how == "stopped":
        termios.tcflow(writable, termios.TCOOFF)
    else:
        os.close(readable)
    subprocess.run([program, "load", "--mode", "http", "--duration", "3", address],
                   stdout=subprocess.DEVNULL, check=False)
    server.terminate()
    try:
        rest, _ = server.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        server.kill()
        sys.exit("the server does not end")
    if server.returncode != 0 or b"connections" not in rest:
        sys.exit(f"the server ended with {server.returncode}")
END
if [ -z "$emulator" ] && [ -n "$python" ]; then
    for how in stopped gone; do
        if "$python" "$scratch/unread.py" "$program" "$how" >"$out" 2>&1; then
            passed "lines that nobody reads: $how"
        else
            failed "lines that nobody reads: $how"
        fi
    done
fi

# --- the page -------------------------------------------------------------------------------------

# get PATH: the header, without its \r, is in $scratch/head, and the body in $scratch/body.
get() {
    curl --silent --max-time 60 --dump-header "$scratch/raw" --output "$scratch/body" "$health$1"
    tr -d '\r' <"$scratch/raw" >"$scratch/head"
    cat "$scratch/head" "$scratch/body" >"$out"
}

# expect_answer WHAT PATTERN FILE: what get has got.
expect_answer() {
    if grep -q -e "$2" "$3"; then
        passed "$1"
    else
        failed "$1: nothing like \"$2\""
    fi
}

# await_counters WHAT PATTERN COUNT: so many loops have counters like that, now or soon.
await_counters() {
    tries=0
    while [ "$tries" -lt 300 ]; do
        get /counters.json
        [ "$(grep -o "$2" "$scratch/body" | wc -l)" -ne "$3" ] || break
        tries=$((tries + 1))
        sleep 0.1
    done
    if [ "$tries" -lt 300 ]; then
        passed "$1"
    else
        failed "$1: no $3 times \"$2\""
    fi
}

# As many clients as the page has connections send a byte now and then; one more asks behind them,
# and is answered before the minute is over.
cat >"$scratch/slow.py" <<'END'
import select
import socket
import sys

address = ("127.0.0.1", int(sys.argv[1]))
slow = [socket.create_connection(address) for _ in range(64)]
for one in slow:
    one.sendall(b"GET / HTTP/1.1\r\nX: ")
asks = socket.create_connection(address)
asks.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
for _ in range(60):
    for one in slow:
        try:
            one.sendall(b"x")
        except OSError:
            pass  # It has been reset.
    if select.select([asks], [], [], 1)[0]:
        sys.exit(0 if asks.recv(100).startswith(b"HTTP/1.1 200 OK\r\n") else "no answer")
sys.exit("not answered in a minute")
END

# What the page's script makes of a server in another mode, which has another one's address and more
# connections than that had: no figure that is none.
cat >"$scratch/replaced.js" <<'END'
function stub() {
  return {
    style: {}, dataset: {}, append() {}, replaceChildren() {}, addEventListener() {},
    appendChild(child) { return child; },
    setAttribute(key, value) { if (/NaN|undefined/.test(value)) throw new Error(key); },
    get lastChild() { return stub(); },
  };
}
globalThis.document = { createElement: stub, createElementNS: stub, querySelector: stub };
const counted = { loop: 0, is_late: false, open: 1, timeouts: 0, queued_bytes: 0 };
for (const [n, more] of [{ requests: 5 }, { requests: 6 }, {}, {}, { requests: 1 }].entries())
  take({ loops: [{ ...counted, ...more, time_ms: 1000 * n, connections: n, received_bytes: n,
    sent_bytes: n }] });
if (points.length !== 0 || !figures.some(({ key }) => key === 'requests')) process.exit(1);
END

if command -v curl >/dev/null; then
    serve --mode http --loops 2 --health tcp://127.0.0.1:0
    health=$(tr -d '\r' <"$scratch/serve" | sed -n 's/^health at tcp:/http:/p')
    load_begin --mode http --connections 4
    await_counters "open connections of two loops" '"open":2,' 2
    await_counters "requests of two loops" '"requests":[1-9]' 2
    await_counters "bytes of two loops" '"received_bytes":[1-9][0-9]*,"sent_bytes":[1-9]' 2
    load_end
    await_counters "connections that have ended" '"open":0,"connections":[1-9]' 2
    expect_answer "counters are JSON" '^Content-Type: application/json$' "$scratch/head"
    expect_answer "counters are not stored" '^Cache-Control: no-store$' "$scratch/head"
    if [ -z "$python" ] || "$python" -m json.tool <"$scratch/body" >"$scratch/json" 2>&1; then
        passed "counters are JSON, to programs"
    else
        failed "counters are JSON, to programs"
    fi
    grep -o '"[a-z_]*":[0-9]' "$scratch/body" | sed 's/"\(.*\)".*/\1/' | sort -u |
        grep -v -x -e loop -e time_ms >"$scratch/keys"
    get /
    expect_answer "the page is there" '^HTTP/1.1 200 OK$' "$scratch/head"
    expect_answer "the page is HTML" '^Content-Type: text/html; charset=utf-8$' "$scratch/head"
    expect_answer "the page is not stored" '^Cache-Control: no-store$' "$scratch/head"
    expect_answer "the page loads nothing of others" \
        "^Content-Security-Policy: default-src 'none'; .*connect-src 'self'; " "$scratch/head"
    expect_answer "the page is whole" '^</html>$' "$scratch/body"
    expect_answer "the page has its own length" "^Content-Length: $(wc -c <"$scratch/body" |
        tr -d ' ')\$" "$scratch/head"
    while read -r key; do
        expect_answer "the page shows $key" "key: '$key'" "$scratch/body"
    done <"$scratch/keys"
    if [ "$(wc -l <"$scratch/keys")" -eq 7 ]; then
        passed "seven counters"
    else
        cp "$scratch/keys" "$out"
        failed "seven counters"
    fi
    if command -v node >/dev/null; then
        sed -n '/^<script>$/,/^<\/script>$/p' "$scratch/body" | sed -e '1d;$d' -e '/^ask();$/d' \
            >"$scratch/page.js"
        cat "$scratch/replaced.js" >>"$scratch/page.js"
        if node "$scratch/page.js" >"$out" 2>&1; then
            passed "the page begins anew with another server"
        else
            failed "the page begins anew with another server"
        fi
    fi
    get '/?x'
    expect_answer "the page with a query" '^</html>$' "$scratch/body"
    get /health
    expect_answer "health is text" '^Content-Type: text/plain' "$scratch/head"
    expect_answer "health is as it was" '^ok$' "$scratch/body"
    for path in /nothing /counters /index.html //; do
        get "$path"
        expect_answer "there is no $path" '^HTTP/1.1 404 Not Found$' "$scratch/head"
    done
    serve_end "serve with a page"

    serve --mode http --dispatch thread --health tcp://127.0.0.1:0
    health=$(tr -d '\r' <"$scratch/serve" | sed -n 's/^health at tcp:/http:/p')
    load_begin --mode http --connections 3
    await_counters "connections that threads serve" '"open":3,"connections":3}' 1
    load_end
    if [ -n "$python" ]; then
        if "$python" "$scratch/slow.py" "${health##*:}" >"$out" 2>&1; then
            passed "slow clients do not have the page to themselves"
        else
            failed "slow clients do not have the page to themselves"
        fi
    fi
    serve_end "serve with a page, and threads"
fi

# --- on a terminal --------------------------------------------------------------------------------

# serve_on_terminal ARGUMENT...: as serve; what the terminal gets is in $scratch/serve.
serve_on_terminal() {
    : >"$scratch/serve"
    # shellcheck disable=SC2016
    script -qefc 'echo "process $$"; exec "'"$program"'" serve --listen tcp://127.0.0.1:0 '"$*" \
        /dev/null >"$scratch/serve" 2>&1 </dev/null &
    running=$!
    if ! await "$scratch/serve" 'listening on '; then
        cp "$scratch/serve" "$out"
        failed "serve on a terminal: it does not listen"
        exit 1
    fi
    address=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$scratch/serve")
}

serve_on_terminal_end() {
    kill -INT "$(tr -d '\r' <"$scratch/serve" | sed -n 's/^process //p')"
    wait "$running"
    ended=$?
    running=
    cp "$scratch/serve" "$out"
    if [ "$ended" -eq 0 ] && grep -q '^connections  *[0-9]' "$out"; then
        passed "$1: ends in order, with a summary"
    else
        failed "$1: ended with $ended, or no summary"
    fi
}

erase=$(printf '\033\\[K')
return=$(printf '\r')
if [ -z "$emulator" ] && script --version 2>/dev/null | grep -q util-linux; then
    serve_on_terminal --mode http --loops 2
    expect_line "a terminal gets the header" '^loop 0  *|loop 1 '
    expect_line "and lines, each over the last" "$erase$return *[0-9].*|.*$erase"
    serve_on_terminal_end "serve on a terminal"
    expect_line "the summary is below the last line" "^requests  *[0-9]" "$out"

    serve_on_terminal --mode http --loops 2 --live never
    expect_load "load of a server that may show nothing" '^requests ' --mode http "$address"
    serve_on_terminal_end "serve on a terminal with --live never"
    expect_no_line "no line if it is forbidden" '^loop 0 '

    serve_on_terminal --loops 2 --proxy-protocol
    expect_line "a line of a server with PROXY headers" "$erase"
    pollux load --duration 0.1 --connections 1 "$address" >"$out" 2>&1
    expect_line "a note is instead of the line" \
        "$erase$return${erase}pollux serve: .* without a PROXY header"
    serve_on_terminal_end "serve on a terminal with a note"

    serve_on_terminal --mode http "2>'$scratch/errors'"
    expect_load "load of a server whose errors are elsewhere" '^requests ' --mode http "$address"
    serve_on_terminal_end "serve with standard error elsewhere"
    cat "$scratch/errors" >>"$scratch/serve"
    expect_no_line "the line is for terminals on standard error" '^loop 0 '
fi

[ "$failures" -eq 0 ] || echo "$failures checks failed"
[ "$failures" -eq 0 ]
