/* tests/behavior_limits.c - limits hold to the byte and to the one; what is gone stays gone. */
#include <signal.h>
#include <string.h>

#include "core/loop.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_limits_cases[];

enum { CORK = 16384 }; /* What a callback can write until it is sent, in all. */

static unsigned char bytes[8192];

/* A connection that is connecting, so that all that is written waits in its queue; `address` is
 * where it goes to. */
static plx_conn connecting(world *w, const char *address, probe *p, plx_conn_options *options)
{
    plx_conn conn;
    (void)p;
    ck_ok(plx_connect(w->loop, &conn, address, options));
    return conn;
}

/* --- queues ------------------------------------------------------------------------------------
 */

/* A queue is high from one byte above `send_high` on, and holds `send_max` bytes. */
static void high_and_max_are_exact(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    for (int way = 0; way < 2; way++) {
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        options.send_high = 1000;
        options.send_max = 5000;
        plx_conn whole = connecting(w, address, &p, &options);
        ck_ok(plx_conn_write(w->loop, whole, bytes, 5000));
        ck_ok(plx_conn_close(w->loop, whole));
        turn_until(w, &p.closed, 1);
        plx_conn conn = connecting(w, address, &p, &options);
        ck_assert_int_eq(plx_conn_write(w->loop, conn, bytes, 5001), PLX_EMSGSIZE);
        ck_assert_int_eq(plx_conn_is_high(w->loop, conn), 0);
        ck_ok(plx_conn_write(w->loop, conn, bytes, 1000));
        ck_assert_int_eq(plx_conn_is_high(w->loop, conn), 0);
        ck_ok(plx_conn_write(w->loop, conn, bytes, 1));
        ck_assert_int_eq(plx_conn_is_high(w->loop, conn), 1);
        if (way == 0)
            ck_ok(plx_conn_write(w->loop, conn, bytes, 3999));
        else
            ck_ok(plx_conn_send(w->loop, conn, bytes, 3999, NULL, NULL));
        ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 5000);
        ck_assert_int_eq(plx_conn_write(w->loop, conn, bytes, 1), PLX_ENOBUFS);
        ck_assert_int_eq(plx_conn_send(w->loop, conn, bytes, 1, NULL, NULL), PLX_ENOBUFS);
        ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 5000);
        ck_assert_uint_eq(counter(w, queued_bytes), 5000);
        turn_until(w, &p.drained, 1);
        ck_ok(plx_conn_close(w->loop, conn));
        turn_until(w, &p.closed, 2);
        ck_assert_uint_eq(counter(w, queued_bytes), 0);
    }
    net_close(listener);
}

/* A write that is refused makes the queue high, though it is not above the mark. */
static void refusal_makes_a_queue_high(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 1000;
    plx_conn conn = connecting(w, address, &p, &options);
    ck_ok(plx_conn_write(w->loop, conn, bytes, 999));
    ck_assert_int_eq(plx_conn_write(w->loop, conn, bytes, 2), PLX_ENOBUFS);
    ck_assert_int_eq(plx_conn_is_high(w->loop, conn), 1);
    ck_ok(plx_conn_write(w->loop, conn, bytes, 1));
    turn_until(w, &p.drained, 1);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
    net_close(listener);
}

static void note_queued(plx_loop *loop, plx_conn conn, probe *p)
{
    *(size_t *)p->more = plx_conn_queued(loop, conn);
}

/* A queue that was high is low with `send_low` bytes in it: on_drain comes then, and not before.
 * One send takes 16 pieces, and the next is refused for a moment. */
static void low_is_exact(world *w)
{
    enum { PIECES = 16, LOW = 700 };
    for (size_t more = 0; more < 2; more++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        plx_socket listener = socket_listening(address);
        size_t queued = 12345;
        probe p = {.then_drain = note_queued, .more = &queued};
        plx_conn_options options = probe_options(&p);
        options.send_high = LOW + 1;
        options.send_low = LOW;
        plx_conn conn = connecting(w, address, &p, &options);
        for (int i = 0; i < PIECES; i++)
            ck_ok(plx_conn_send(w->loop, conn, bytes, 1, NULL, NULL));
        ck_ok(plx_conn_send(w->loop, conn, bytes, LOW + more, NULL, NULL));
        ck_assert_int_eq(plx_conn_is_high(w->loop, conn), 1);
        plx__fault_arm(PLX__FAULT_SEND_LATER, 1, 1);
        turn_until(w, &p.drained, 1);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), 1);
        ck_assert_uint_eq(queued, more == 0 ? LOW : 0);
        ck_ok(plx_conn_close(w->loop, conn));
        turn_until(w, &p.closed, 1);
        net_close(listener);
    }
}

/* All queues of a loop together hold `queued_bytes_max`, to the byte. */
static void queued_bytes_max_is_exact(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    world_reopen(w, (plx_loop_options){.queued_bytes_max = 3000});
    plx_conn first = connecting(w, address, &p, &options);
    plx_conn second = connecting(w, address, &p, &options);
    ck_assert_int_eq(plx_conn_write(w->loop, first, bytes, 3001), PLX_EMSGSIZE);
    ck_ok(plx_conn_write(w->loop, first, bytes, 2000));
    ck_assert_int_eq(plx_conn_write(w->loop, second, bytes, 1001), PLX_ENOBUFS);
    ck_ok(plx_conn_write(w->loop, second, bytes, 1000));
    for (int i = 0; i < 3; i++) /* However often it is refused, it is one that waits. */
        ck_assert_int_eq(plx_conn_write(w->loop, first, bytes, 1), PLX_ENOBUFS);
    ck_assert_uint_eq(w->loop->starved, 2);
    ck_assert_uint_eq(counter(w, queued_bytes), 3000);
    ck_assert_uint_eq(counter(w, queued_bytes_peak), 3000);
    turn_until(w, &p.drained, 2);
    turn_some(w);
    ck_assert_uint_eq(w->loop->starved, 0);
    ck_ok(plx_conn_close(w->loop, first));
    ck_ok(plx_conn_close(w->loop, second));
    turn_until(w, &p.closed, 2);
    net_close(listener);
}

static size_t leave_all(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)at;
    (void)length;
    return 0;
}

/* `receive_limit` bytes may be left unconsumed, in one piece and in several, and not one more. */
static void receive_limit_is_exact(world *w)
{
    for (int way = 0; way < 4; way++) {
        probe p = {.then_data = leave_all};
        plx_conn_options options = probe_options(&p);
        size_t first = way % 2 == 0 ? 100 : 60;
        options.receive_limit = 100;
        peer client = connect_pair(w, &p, &options);
        peer_send(w, &client, bytes, first);
        turn_until_counter(w, received_bytes, counter(w, received_bytes) + first);
        if (first < 100)
            peer_send(w, &client, bytes, 100 - first);
        turn_some(w);
        ck_assert_uint_eq(p.closed, 0);
        if (way < 2) {
            peer_send(w, &client, bytes, 1);
            turn_until(w, &p.closed, 1);
            ck_assert_int_eq(p.reason, PLX_EMSGSIZE);
            peer_close(&client);
        } else {
            peer_close(&client);
            turn_until(w, &p.closed, 1);
            ck_assert_int_eq(p.reason, 0);
        }
    }
}

/* --- the options of a loop ---------------------------------------------------------------------
 */

static void run_nothing(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)status;
    ++*(size_t *)data;
}

/* The last value that is allowed works, and the first beyond it does not. */
static void limits_of_the_options_are_exact(world *w)
{
    static const plx_loop_options good[] = {
        {.connections_max = 16777216}, {.receive_bytes = 67108864}, {.posts_max = 1}};
    static const plx_loop_options bad[] = {
        {.connections_max = 16777217}, {.receive_bytes = 67108865}, {.posts_max = 1073741825}};
    plx_loop *loop;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        plx_loop_options options = world_options(w, good[i]);
        ck_ok(plx_loop_open(&loop, &options));
        ck_ok(plx_loop_close(loop));
        options = world_options(w, bad[i]);
        ck_assert_int_eq(plx_loop_open(&loop, &options), PLX_EINVAL);
    }
    size_t run = 0;
    world_reopen(w, (plx_loop_options){.posts_max = 1});
    for (size_t i = 1; i <= 3; i++) {
        ck_ok(plx_post(w->loop, run_nothing, &run));
        ck_assert_int_eq(plx_post(w->loop, run_nothing, &run), PLX_ENOBUFS);
        turn_until(w, &run, i);
    }
}

/* `connections_max` connections are open at once, whoever opens them. */
static void connections_max_is_exact(world *w)
{
    enum { MAX = 3 };
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    probe p = {0};
    plx_conn conns[MAX];
    plx_conn none;
    plx_conn_options options = probe_options(&p);
    world_reopen(w, (plx_loop_options){.connections_max = MAX});
    for (int i = 0; i < MAX; i++)
        conns[i] = connecting(w, address, &p, &options);
    ck_assert_int_eq(plx_connect(w->loop, &none, address, &options), PLX_ELIMIT);
    turn_until(w, &p.opened, MAX);
    ck_assert_int_eq(plx_connect(w->loop, &none, address, &options), PLX_ELIMIT);
    ck_assert_uint_eq(counter(w, connections_open), MAX);
    ck_ok(plx_conn_close(w->loop, conns[0]));
    turn_until(w, &p.closed, 1);
    conns[0] = connecting(w, address, &p, &options);
    ck_assert_int_eq(plx_connect(w->loop, &none, address, &options), PLX_ELIMIT);
    for (int i = 0; i < MAX; i++)
        ck_ok(plx_conn_close(w->loop, conns[i]));
    turn_until(w, &p.closed, MAX + 1);
    net_close(listener);
}

/* POLLUX_BACKEND set to nothing is not set; set to a name it counts, unless the options name one.
 */
static void backend_of_the_environment(world *w)
{
    plx_loop *loop;
    const plx_loop_options named = world_options(w, (plx_loop_options){0});
    ck_ok(plx__test_environment("POLLUX_BACKEND", ""));
    ck_ok(plx_loop_open(&loop, NULL));
    if (plx_backend_probe(plx_backend_default()) == 0)
        ck_assert_str_eq(plx_loop_backend_name(loop), plx_backend_default());
    ck_ok(plx_loop_close(loop));
    ck_ok(plx__test_environment("POLLUX_BACKEND", "carrier-pigeon"));
    ck_assert_int_eq(plx_loop_open(&loop, NULL), PLX_EBACKEND);
    ck_ok(plx_loop_open(&loop, &named));
    ck_ok(plx_loop_close(loop));
    ck_ok(plx__test_environment("POLLUX_BACKEND", w->backend));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_assert_str_eq(plx_loop_backend_name(loop), w->backend);
    ck_ok(plx_loop_close(loop));
    ck_ok(plx__test_environment("POLLUX_BACKEND", NULL));
}

/* An abstract name has at least one byte behind its "@". */
static void abstract_name_of_nothing_is_none(world *w)
{
    ck_assert_int_eq(plx_address_check("unix:@"), PLX_EADDRESS);
    ck_assert_int_eq(plx_address_check("unix:"), PLX_EADDRESS);
    ck_ok(plx_address_check("unix:@x"));
    ck_assert_int_eq(plx_listen(w->loop, NULL, "unix:@", NULL), PLX_EADDRESS);
    ck_assert_int_eq(plx_connect(w->loop, NULL, "unix:@", NULL), PLX_EADDRESS);
}

/* --- what is gone ------------------------------------------------------------------------------
 */

static void never(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    ck_abort_msg("a timer that was cancelled fired");
}

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

static void see_nothing(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                        uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

static void hear_nothing(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)data;
    (void)number;
}

/* An object of each kind goes, and another one takes its slot. The handle of the first is stale,
 * and does nothing to the second. */
static void handle_of_a_slot_that_is_used_again(world *w)
{
    size_t fired = 0;
    plx_timer timers[2];
    plx_listener listeners[2];
    plx_signal signals[2];
    plx_watch watches[2];
    couple c = couple_open();
    for (int i = 0; i < 2; i++) {
        ck_ok(plx_timer_start(w->loop, &timers[i], (uint64_t)i * 20 * PLX_MILLISECOND, 0,
                              i == 0 ? never : count_fire, &fired));
        ck_ok(plx_listen(w->loop, &listeners[i], "tcp://127.0.0.1:0", NULL));
        ck_ok(plx_signal_open(w->loop, &signals[i], PLX_SIGNAL_INTERRUPT, hear_nothing, NULL));
        ck_ok(plx_watch_open(w->loop, &watches[i], c.ours.socket, 0, see_nothing, NULL));
        if (i == 1)
            break;
        ck_ok(plx_timer_cancel(w->loop, timers[0]));
        ck_ok(plx_listener_close(w->loop, listeners[0]));
        ck_ok(plx_signal_close(w->loop, signals[0]));
        ck_ok(plx_watch_close(w->loop, watches[0]));
        turn_some(w);
    }
    /* The same slots: handles differ in nothing but the generation, bits 24 to 55. */
    const uint64_t slot = UINT64_C(0xff00000000ffffff);
    ck_assert_uint_eq(timers[0].bits & slot, timers[1].bits & slot);
    ck_assert_uint_eq(listeners[0].bits & slot, listeners[1].bits & slot);
    ck_assert_uint_eq(signals[0].bits & slot, signals[1].bits & slot);
    ck_assert_uint_eq(watches[0].bits & slot, watches[1].bits & slot);
    ck_assert_int_eq(plx_timer_restart(w->loop, timers[0], 0), PLX_ESTALE);
    ck_assert_int_eq(plx_timer_cancel(w->loop, timers[0]), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_close(w->loop, listeners[0]), PLX_ESTALE);
    ck_assert_int_eq(plx_signal_close(w->loop, signals[0]), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_set(w->loop, watches[0], PLX_READABLE), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_close(w->loop, watches[0]), PLX_ESTALE);
    turn_until(w, &fired, 1);
    ck_ok(plx_listener_close(w->loop, listeners[1]));
    ck_ok(plx_signal_close(w->loop, signals[1]));
    ck_ok(plx_watch_close(w->loop, watches[1]));
    couple_close(&c);
}

static void pause_is_told(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)loop;
    (void)listener;
    (void)status;
    ++*(size_t *)data;
}

/* A listener that closes while it pauses, or while it looks for silent peers now and then, leaves
 * no timer behind. */
static void closed_listener_leaves_no_timer(world *w)
{
    for (uint32_t first = 0; first < 2; first++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        plx_listener listener;
        size_t paused = 0;
        const plx_listen_options options = {
            .on_error = pause_is_told, .data = &paused, .accept_receive_first = first};
        ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
        ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
        peer client = peer_start(address);
        plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
        uint64_t until = net_now() + PLX_SECOND;
        while (paused == 0 && net_now() < until)
            turn(w);
        (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
        if (first == 0)
            ck_assert_uint_eq(paused, 1);
        ck_ok(plx_listener_close(w->loop, listener));
        turn_some(w);
        ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
        peer_close(&client);
    }
}

static void close_at_once(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_close(loop, conn));
}

static void pause_at_once(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_pause(loop, conn));
}

/* Nor does a connection that closes, be it as it opens or later; one that is open has one, though
 * it was paused as it opened. */
static void closed_connection_leaves_no_timer(world *w)
{
    for (int is_closed = 0; is_closed < 2; is_closed++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        probe p = {.then_open = is_closed != 0 ? close_at_once : pause_at_once};
        plx_conn_options options = probe_options(&p);
        plx_listener listener;
        options.idle_timeout_ns = 1000 * PLX_SECOND;
        listener = listen_at(w, &options, address);
        peer client = peer_start(address);
        turn_until(w, &p.opened, 1);
        if (is_closed == 0) {
            ck_assert_uint_ne(plx_loop_next_timeout(w->loop), PLX_FOREVER);
            ck_ok(plx_conn_close(w->loop, p.conn));
        }
        turn_until(w, &p.closed, 1);
        ck_ok(plx_listener_close(w->loop, listener));
        turn_some(w);
        ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
        peer_close(&client);
    }
}

/* Nor does connecting, when it is through. */
static void connected_one_leaves_no_timer(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    plx_conn conn = connecting(w, address, &p, &options);
    ck_assert_uint_ne(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
    net_close(listener);
}

/* What a callback writes goes out together, up to what the cork holds; from one byte more on in two
 * sends. It is no matter whether it is copied or lives forever, nor that the connection's queue, or
 * all of them together, may hold as much and no more. */
typedef struct cork_use {
    size_t first, second;
    bool is_constant;
} cork_use;

static size_t write_twice(plx_loop *loop, plx_conn conn, probe *p, const void *data, size_t length)
{
    static const unsigned char constant[CORK + 1];
    const cork_use *use = p->more;
    (void)data;
    if (use->is_constant)
        ck_ok(plx_conn_send(loop, conn, constant, use->first, NULL, NULL));
    else
        ck_ok(plx_conn_write(loop, conn, constant, use->first));
    ck_ok(plx_conn_write(loop, conn, constant, use->second));
    return length;
}

static void cork_holds_its_room_exactly(world *w)
{
    static const cork_use uses[] = {
        {100, CORK - 100, false}, {100, CORK - 99, false}, {100, CORK - 100, true},
        {100, CORK - 99, true},   {CORK - 1, 1, false},    {CORK, 1, false},
    };
    for (int bounds = 0; bounds < 3; bounds++) {
        static unsigned char back[CORK + 1];
        plx_loop_options limits = {.queued_bytes_max = bounds == 1 ? CORK : 0};
        world_reopen(w, limits);
        probe p = {.then_data = write_twice};
        plx_conn_options options = probe_options(&p);
        if (bounds == 2)
            options.send_high = options.send_max = CORK + w->loop->ops->deferred_max;
        peer client = connect_pair(w, &p, &options);
        for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
            cork_use use = uses[i];
            size_t total = use.first + use.second;
            if (total > CORK && bounds > 0)
                continue;
            p.more = &use;
            uint64_t before = counter(w, sends);
            peer_send(w, &client, "?", 1);
            peer_receive(w, &client, back, total);
            turn_some(w);
            ck_assert_uint_eq(counter(w, sends) - before, total <= CORK ? 1 : 2);
        }
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

static volatile sig_atomic_t caught;

static void catch_it(int number)
{
    (void)number;
    caught = 1;
}

/* Who had a signal before any loop subscribed has it again when the last subscription is closed,
 * whatever the order. */
static void signal_action_is_restored(world *w)
{
    plx_signal signals[2];
    plx_loop *other = world_loop_open(w);
    ck_assert(signal(SIGTERM, catch_it) != SIG_ERR);
    int status = plx_signal_open(w->loop, &signals[0], PLX_SIGNAL_TERMINATE, hear_nothing, NULL);
    if (status == 0) {
        ck_ok(plx_signal_open(other, &signals[1], PLX_SIGNAL_TERMINATE, hear_nothing, NULL));
        ck_ok(plx_signal_close(w->loop, signals[0]));
        ck_ok(plx_signal_close(other, signals[1]));
    }
    caught = 0;
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_int_eq(caught, 1);
    ck_ok(plx_loop_close(other));
    ck_assert(signal(SIGTERM, SIG_DFL) != SIG_ERR);
}

/* As many loops as may can subscribe; another one is refused, has nothing open, and can once one of
 * them has closed. */
static void so_many_loops_hear_signals(world *w)
{
    enum { MOST = 64 };
    plx_loop *loops[MOST + 1];
    for (size_t i = 0; i <= MOST; i++) {
        loops[i] = world_loop_open(w);
        ck_assert_int_eq(plx_signal_open(loops[i], NULL, PLX_SIGNAL_INTERRUPT, hear_nothing, NULL),
                         i < MOST ? 0 : PLX_ELIMIT);
    }
    ck_ok(plx_loop_run(loops[MOST]));
    ck_ok(plx_loop_close(loops[0]));
    ck_ok(plx_signal_open(loops[MOST], NULL, PLX_SIGNAL_INTERRUPT, hear_nothing, NULL));
    for (size_t i = 1; i <= MOST; i++)
        ck_ok(plx_loop_close(loops[i]));
}

/* With one descriptor more each time: opening fails cleanly until there are enough. */
static void loop_opens_with_enough_descriptors(world *w)
{
    plx_loop_options options = world_options(w, (plx_loop_options){.backend = w->backend});
    plx_loop *loop = NULL;
    int status = PLX_EMFILE;
    for (uint32_t spare = 0; status != 0; spare++) {
        ck_assert_uint_lt(spare, 64);
        if (plx__test_descriptor_limit(spare) == PLX_ENOSYS)
            return;
        status = plx_loop_open(&loop, &options);
        ck_ok(plx__test_descriptor_limit(UINT32_MAX));
        ck_assert(status == 0 || status == PLX_EMFILE);
    }
    ck_ok(plx_loop_run_once(loop, 0));
    ck_ok(plx_loop_close(loop));
}

const test_case behavior_limits_cases[] = {
    CASE(loop_opens_with_enough_descriptors),  CASE(high_and_max_are_exact),
    CASE(refusal_makes_a_queue_high),          CASE(low_is_exact),
    CASE(queued_bytes_max_is_exact),           CASE(receive_limit_is_exact),
    CASE(limits_of_the_options_are_exact),     CASE(connections_max_is_exact),
    CASE(backend_of_the_environment),          CASE(abstract_name_of_nothing_is_none),
    CASE(handle_of_a_slot_that_is_used_again), CASE(closed_listener_leaves_no_timer),
    CASE(closed_connection_leaves_no_timer),   CASE(connected_one_leaves_no_timer),
    CASE(cork_holds_its_room_exactly),         CASE(signal_action_is_restored),
    CASE(so_many_loops_hear_signals),          CASES_END,
};
