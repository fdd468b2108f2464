/* tests/fuzz_calls.c - owns the connections that random calls make, and the handles of everything
 * else. */
#include "tests/fuzz_calls.h"

#include <pollux/pollux.h>

#include <string.h>

#include "platform/platform.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"
#include "tests/fuzz_faults.h"
#include "tests/fuzz_listeners.h"
#include "tests/fuzz_loops.h"
#include "tests/fuzz_peers.h"
#include "tests/fuzz_refusals.h"
#include "tests/fuzz_watches.h"

enum { HANDLES = 64, CONNS_MAX = 40, ACCEPTED_MAX = 200 };

/* What a connection's `data` points to: counts that must add up in the end. */
typedef struct life {
    bool is_open; /* It was named, and on_close has not come. */
    uint64_t bits;
} life;

static struct {
    plx_loop *const *loops;
    size_t count;
    uint64_t handles[HANDLES]; /* Of all kinds, both loops, live and stale. */
    char address[PLX_ADDRESS_TEXT_MAX];
    life lives[4096];
    uint64_t returned, closed;
    uint64_t gone_asked, gone; /* Calls of plx_conn_on_gone(), and of what they asked for. */
    int depth;
} fuzz;

fuzz_calls_counts fuzz_calls_count;

static unsigned char bytes[1 << 16];

static plx_loop *any_loop(void)
{
    return fuzz.loops[chance_below(fuzz.count)];
}

/* Mostly a handle that once was live, wherever that was; now and then noise. */
static uint64_t any_handle(void)
{
    if (one_in(50))
        return chance_next();
    return fuzz.handles[chance_below(HANDLES)];
}

static void handle_remember(uint64_t bits)
{
    fuzz.handles[chance_below(HANDLES)] = bits;
}

static size_t any_length(void)
{
    static const size_t lengths[] = {0, 1, 7, 100, 4096, 16384, 16385, sizeof bytes};
    return lengths[chance_below(sizeof lengths / sizeof lengths[0])];
}

/* A timeout from none to longer than the whole run. */
static uint64_t any_timeout(void)
{
    static const uint64_t timeouts[] = {
        0, 1, PLX_MILLISECOND, 20 * PLX_MILLISECOND, PLX_SECOND, PLX_FOREVER};
    return timeouts[chance_below(sizeof timeouts / sizeof timeouts[0])];
}

static void some_calls(plx_loop *loop);

/* --- callbacks ---------------------------------------------------------------------------------
 */

static life *life_begin(void)
{
    for (size_t i = 0; i < sizeof fuzz.lives / sizeof fuzz.lives[0]; i++) {
        if (!fuzz.lives[i].is_open)
            return &fuzz.lives[i];
    }
    fprintf(stderr, "fuzz_api: more connections than lives\n");
    abort();
}

static bool is_crowded(const plx_loop *loop, uint64_t connections_max)
{
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    return stats.connections_open > connections_max;
}

static void life_check(const life *l, plx_conn conn)
{
    CHECK(l != NULL);
    CHECK(l->is_open);
    CHECK(l->bits == conn.bits);
}

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    life *l = data;
    if (l == NULL) { /* An accepted one: its life begins here. */
        l = life_begin();
        *l = (life){.is_open = true, .bits = conn.bits};
        CHECK(plx_conn_set_data(loop, conn, l) == 0);
        fuzz_calls_count.opened++;
    }
    life_check(l, conn);
    handle_remember(conn.bits);
    some_calls(loop);
    if (is_crowded(loop, ACCEPTED_MAX)) /* Paused ones stay when their clients have gone. */
        (void)plx_conn_close(loop, conn);
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *received,
                      size_t length)
{
    life_check(data, conn);
    CHECK(length > 0);
    unsigned char first = *(const unsigned char *)received;
    /* Pieces that go out together, or are too many for that. */
    for (size_t i = one_in(3) ? 1 + chance_below(3) : 0; i > 0; i--)
        (void)!plx_conn_write(loop, conn, received, one_in(2) ? chance_below(length + 1) : length);
    some_calls(loop);
    /* What is shown stays readable during the call, whatever was called. */
    CHECK(*(const unsigned char *)received == first);
    return one_in(4) ? chance_below(length + 1) : length;
}

static void on_drain(plx_loop *loop, plx_conn conn, void *data)
{
    life_check(data, conn);
    some_calls(loop);
}

static void on_end(plx_loop *loop, plx_conn conn, void *data)
{
    life_check(data, conn);
    some_calls(loop);
    if (one_in(2))
        (void)plx_conn_shutdown(loop, conn);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    life *l = data;
    life_check(l, conn);
    CHECK(reason <= 0);
    CHECK(plx_conn_close(loop, conn) == PLX_ESTALE);
    l->is_open = false;
    fuzz.closed++;
    some_calls(loop);
}

static plx_conn_options any_options(void);

/* Gives the socket to one of the loops. */
static bool adopt(plx_socket socket, const void *received, size_t length)
{
    plx_loop *loop = any_loop();
    plx_conn_options options = any_options();
    plx_conn conn;
    if (loop == NULL) /* All close, and that one has. */
        return false;
    life *l = life_begin();
    l->is_open = true; /* Before, as in call_connect(). */
    options.data = l;
    int status = plx_conn_adopt(loop, &conn, socket, &options, received, length);
    l->is_open = status == 0;
    if (status != 0)
        return false;
    l->bits = conn.bits;
    fuzz_calls_count.opened++;
    handle_remember(conn.bits);
    return true;
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *received, size_t length)
{
    life *l = data;
    life_check(l, conn);
    CHECK(plx_conn_release(loop, conn) == PLX_ESTALE);
    CHECK(length == 0 || received != NULL);
    l->is_open = false;
    fuzz_calls_count.released++;
    fuzz.closed++;
    if (one_in(4) || !adopt(socket, received, length))
        plx_socket_close(socket);
    some_calls(loop);
}

static void on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)conn;
    (void)data;
    CHECK(status == 0 || status == PLX_ECANCELED);
    fuzz.returned++;
    some_calls(loop);
}

static void on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)data;
    some_calls(loop);
}

static void on_post(plx_loop *loop, void *data, int status)
{
    (void)data;
    CHECK(status == 0 || status == PLX_ECANCELED);
    fuzz.returned++;
    some_calls(loop);
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)watch;
    (void)data;
    CHECK(ready != 0);
    if ((ready & PLX_READABLE) != 0)
        (void)plx__socket_receive(socket, bytes, 100);
    some_calls(loop);
}

static void on_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)data;
    (void)number;
}

static void on_gone(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)data;
    CHECK(reason <= 0);
    CHECK(plx_conn_close(loop, conn) == PLX_ESTALE);
    fuzz.gone++;
    some_calls(loop);
}

/* --- calls -------------------------------------------------------------------------------------
 */

static plx_conn_options any_options(void)
{
    plx_conn_options options = {
        .on_open = on_open,
        .on_data = one_in(10) ? NULL : on_data,
        .on_drain = one_in(4) ? NULL : on_drain,
        .on_end = one_in(2) ? NULL : on_end,
        .on_close = on_close,
        .on_release = one_in(5) ? NULL : on_release,
        .receive_limit = one_in(3) ? 5000 : 0,
    };
    if (one_in(3)) {
        options.send_high = 1000 + chance_below(100000);
        options.send_max = options.send_high + chance_below(100000);
    }
    if (one_in(3)) {
        options.idle_timeout_ns = any_timeout();
        options.read_timeout_ns = any_timeout();
        options.write_timeout_ns = any_timeout();
        options.connect_timeout_ns = any_timeout();
    }
    options.flags = one_in(4) ? (uint32_t)chance_below(8) : 0;
    return options;
}

/* Wrong, or nobody listens there: at port 1 this program neither. */
static const char *odd_address(void)
{
    static const char *const addresses[] = {
        "tcp://nonsense",    "udp://127.0.0.1:1", "",
        "tcp://127.0.0.1:1", "tcp://[::1]:1",     "unix:no-such.sock",
    };
    return addresses[chance_below(sizeof addresses / sizeof addresses[0])];
}

static void call_listen(plx_loop *loop)
{
    const plx_conn_options accepted = any_options();
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    if (!fuzz_listeners_listen(loop, &accepted, fuzz_calls_count.calls, &listener, address))
        return;
    handle_remember(listener.bits);
    memcpy(fuzz.address, address, sizeof address);
}

static void call_listener(plx_loop *loop)
{
    const plx_conn_options accepted = any_options();
    fuzz_listeners_call(loop, (plx_listener){any_handle()}, &accepted);
}

static void call_connect(plx_loop *loop)
{
    plx_conn_options options = any_options();
    plx_conn conn;
    const char *address = one_in(6) ? odd_address() : fuzz.address;
    life *l = life_begin();
    if (is_crowded(loop, CONNS_MAX) || !fuzz_port_take_for(address, fuzz_calls_count.calls))
        return;
    l->is_open = true; /* Before: a callback cannot come from within, but must find it. */
    options.data = l;
    if (plx_connect(loop, &conn, address, &options) != 0) {
        l->is_open = false;
        return;
    }
    l->bits = conn.bits;
    fuzz_calls_count.opened++;
    handle_remember(conn.bits);
}

/* What a server asks of the connections that it counts and limits. */
static void call_conn_limits(plx_loop *loop, plx_conn conn)
{
    static const uint64_t rates[] = {0, 1, 1000, PLX_SECOND, PLX_SECOND + 1};
    const uint64_t rate = rates[chance_below(sizeof rates / sizeof rates[0])];
    if (one_in(3))
        fuzz.gone_asked += plx_conn_on_gone(loop, conn, on_gone, NULL) == 0;
    else if (one_in(2))
        (void)!plx_conn_set_receive_rate(loop, conn, rate, any_timeout());
    else
        (void)plx_conn_set_in_message(loop, conn, one_in(2));
}

/* Those that change how a connection is, or end it, and those that ask. */
static void call_conn_more(plx_loop *loop, plx_conn conn)
{
    const plx_slice slices[] = {
        {bytes, any_length()}, {NULL, 0}, {bytes, chance_below(100)}, {bytes, any_length()}};
    enum plx_conn_option option = (enum plx_conn_option)chance_below(6);
    plx_conn_options options;
    int64_t value;
    switch (chance_below(12)) {
    case 9:
    case 10:
    case 11:
        call_conn_limits(loop, conn);
        break;
    case 0:
        (void)plx_conn_finish(loop, conn, any_timeout());
        break;
    case 1:
        (void)!plx_conn_set_timeout(loop, conn, (enum plx_timeout)chance_below(5), any_timeout());
        break;
    case 2:
        (void)!plx_conn_set_option(loop, conn, option, (int64_t)chance_below(70000));
        break;
    case 3:
        (void)!plx_conn_get_option(loop, conn, option, &value);
        (void)!plx_conn_peer_credentials(loop, conn, &value, NULL, NULL);
        break;
    case 4:
        (void)plx_conn_unconsumed(loop, conn);
        CHECK(plx_conn_is_open(loop, conn) <= 1);
        break;
    case 5:
        (void)plx_conn_cork(loop, conn);
        break;
    case 6:
        (void)plx_conn_uncork(loop, conn);
        break;
    case 7:
        options = any_options();
        options.data = plx_conn_data(loop, conn);
        (void)!plx_conn_become(loop, conn, &options);
        break;
    default:
        (void)!plx_conn_writev(loop, conn, slices, chance_below(5));
        break;
    }
}

static void call_conn(plx_loop *loop)
{
    plx_conn conn = {any_handle()};
    char text[PLX_ADDRESS_TEXT_MAX];
    switch (chance_below(16)) {
    case 13:
    case 14:
    case 15:
        call_conn_more(loop, conn);
        break;
    case 12:
        (void)!plx_conn_release(loop, conn);
        break;
    case 0:
        (void)(one_in(3) ? plx_conn_reset(loop, conn) : plx_conn_close(loop, conn));
        CHECK(plx_conn_close(loop, conn) == PLX_ESTALE);
        break;
    case 1:
        (void)plx_conn_shutdown(loop, conn);
        break;
    case 2:
        (void)plx_conn_pause(loop, conn);
        break;
    case 3:
    case 4:
        (void)plx_conn_resume(loop, conn);
        break;
    case 5:
        (void)!plx_conn_peer(loop, conn, text, chance_below(sizeof text));
        (void)!plx_conn_local(loop, conn, text, sizeof text);
        break;
    case 6:
        (void)plx_conn_queued(loop, conn);
        (void)plx_conn_data(loop, conn);
        break;
    case 7:
    case 8:
        fuzz_calls_count.lent++;
        if (plx_conn_send(loop, conn, bytes, any_length(), on_sent, NULL) != 0)
            fuzz_calls_count.lent--;
        break;
    default:
        (void)!plx_conn_write(loop, conn, bytes, any_length());
        break;
    }
}

static void call_timer(plx_loop *loop)
{
    plx_timer timer = {any_handle()};
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    switch (chance_below(4)) {
    case 0:
        (void)plx_timer_restart(loop, timer, any_timeout());
        break;
    case 1:
    case 2:
        (void)plx_timer_cancel(loop, timer);
        break;
    default:
        if (plx_timer_start(loop, &timer, any_timeout(), one_in(4) ? any_timeout() : 0, on_fire,
                            NULL) == 0)
            handle_remember(timer.bits);
        break;
    }
}

static void call_watch(plx_loop *loop)
{
    plx_watch watch = {any_handle()};
    switch (chance_below(3)) {
    case 0:
        (void)plx_watch_set(loop, watch, (uint32_t)chance_below(5));
        break;
    case 1:
        (void)plx_watch_close(loop, watch);
        break;
    default:
        if (plx_watch_open(loop, &watch, fuzz_foreign[loop == fuzz.loops[0]],
                           (uint32_t)chance_below(4), on_ready, NULL) == 0)
            handle_remember(watch.bits);
        break;
    }
}

static void call_other(plx_loop *loop)
{
    plx_signal signal = {any_handle()};
    plx_loop_stats stats;
    switch (chance_below(8)) {
    case 6:
    case 7:
        fuzz_loops_call(loop, any_handle());
        break;
    case 0:
        fuzz_calls_count.lent++; /* A post is a loan too. */
        if (plx_post(loop, on_post, NULL) != 0)
            fuzz_calls_count.lent--;
        break;
    case 1:
        if (plx_signal_open(loop, &signal, PLX_SIGNAL_INTERRUPT - 1 + (int)chance_below(9),
                            on_signal, NULL) == 0)
            handle_remember(signal.bits);
        break;
    case 2:
        (void)plx_signal_close(loop, signal);
        break;
    case 3:
        call_listener(loop);
        break;
    case 4:
        plx_loop_stop(loop);
        break;
    default:
        plx_loop_stats_get(loop, &stats);
        CHECK(stats.connections_open < 1000);
        (void)plx_loop_next_timeout(loop);
        break;
    }
}

/* Those of the pair that all watch, and others that are idle most of the time. */
static void call_any_watch(plx_loop *loop)
{
    if (one_in(2))
        call_watch(loop);
    else
        fuzz_watches_call(loop, fuzz_calls_count.calls);
}

void fuzz_calls_call(plx_loop *loop)
{
    fuzz_calls_count.calls++;
    if (one_in(100))
        fuzz_faults_arm();
    switch (chance_below(10)) {
    case 0:
        if (one_in(12))
            call_listen(loop);
        else if (one_in(4))
            fuzz_refusals_call(loop, fuzz.depth > 0);
        break;
    case 1:
        call_connect(loop);
        break;
    case 2:
        call_timer(loop);
        break;
    case 3:
        call_any_watch(loop);
        break;
    case 4:
        call_other(loop);
        break;
    case 5:
        fuzz_peers_call(fuzz.address, bytes, any_length(), fuzz_calls_count.calls);
        break;
    default:
        call_conn(loop);
        break;
    }
}

/* From inside a callback: of its own loop only, which is the thread rule, and one level deep. */
static void some_calls(plx_loop *loop)
{
    if (fuzz.depth > 0 || one_in(2))
        return;
    fuzz.depth++;
    for (size_t i = chance_below(4); i > 0; i--)
        fuzz_calls_call(loop);
    fuzz.depth--;
}

void fuzz_calls_open(plx_loop *const *loops, size_t count)
{
    fuzz.loops = loops;
    fuzz.count = count;
    fuzz_listeners_open(
        &(fuzz_listeners_hooks){.adopt = adopt, .calls = some_calls, .remember = handle_remember});
    fuzz_loops_open();
    for (size_t i = 0; i < count; i++)
        call_listen(loops[i]);
}

void fuzz_calls_close(void)
{
    CHECK(fuzz_calls_count.opened == fuzz.closed);
    CHECK(fuzz_calls_count.lent == fuzz.returned);
    CHECK(fuzz.gone == fuzz.gone_asked);
    CHECK(fuzz_paths_are_gone());
    fuzz_loops_close();
}
