/* tests/behavior_loop.c - the loop itself: its turns, their order, fairness, and what runs out. */
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_loop_cases[];

/* With nothing open a run returns at once. */
static void run_returns_when_nothing_is_open(world *w)
{
    ck_ok(plx_loop_run(w->loop));
    ck_assert_uint_eq(counter(w, ticks), 0);
    ck_assert_str_eq(plx_loop_backend_name(w->loop), w->backend);
}

static void stop_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)data;
    plx_loop_stop(loop);
}

/* A loop told to keep running does so without anything open, until it is stopped. */
static void keep_running_until_stopped(world *w)
{
    uint64_t before = net_now(); /* Timers count from the loop's time, which is earlier. */
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    ck_ok(plx_timer_start(w->loop, NULL, 5 * PLX_MILLISECOND, 0, stop_on_fire, NULL));
    ck_ok(plx_loop_run(w->loop));
    ck_assert_uint_ge(net_now() - before, 5 * PLX_MILLISECOND);
}

#define WAIT_NS (20 * PLX_MILLISECOND)

/* How long that takes at the least. What libuv goes by is CLOCK_MONOTONIC_COARSE (its pull request
 * 975), which lags behind on a machine that stalls: it may wait for much less. */
static uint64_t least_ns(const world *w)
{
    return strcmp(w->backend, "libuv") == 0 ? PLX_MILLISECOND : WAIT_NS - PLX_MILLISECOND;
}

/* One turn: with 0 it does not wait, with a timeout for no longer than that, and for no less. */
static void run_once_waits_as_long_as_it_is_told(world *w)
{
    uint64_t before = net_now();
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_lt(net_now() - before, PLX_SECOND);
    before = net_now();
    ck_ok(plx_loop_run_once(w->loop, WAIT_NS));
    ck_assert_uint_ge(net_now() - before, least_ns(w));
    ck_assert_uint_eq(counter(w, ticks), 2);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
}

static void on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* Turns until nothing is open are a run: 1 for each, and 0 at the end, which is no turn. */
static void run_turn_ends_with_the_last_work(world *w)
{
    size_t fired = 0;
    uint64_t turns = 0;
    ck_assert_int_eq(plx_loop_run_turn(w->loop, PLX_FOREVER), 0);
    ck_assert_uint_eq(counter(w, ticks), 0);
    ck_ok(plx_timer_start(w->loop, NULL, 5 * PLX_MILLISECOND, 0, on_fire, &fired));
    int status;
    while ((status = plx_loop_run_turn(w->loop, PLX_FOREVER)) == 1)
        turns++;
    ck_ok(status);
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_ge(turns, 1);
    ck_assert_uint_eq(counter(w, ticks), turns);
}

/* One stop ends one run: the turn that finds it does nothing, and the next one is a turn again. */
static void run_turn_ends_with_a_stop(world *w)
{
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    ck_assert_int_eq(plx_loop_run_turn(w->loop, 0), 1);
    plx_loop_stop(w->loop);
    plx_loop_stop(w->loop);
    ck_ok(plx_loop_run_turn(w->loop, PLX_FOREVER));
    ck_assert_uint_eq(counter(w, ticks), 1);
    ck_assert_int_eq(plx_loop_run_turn(w->loop, 0), 1);
    ck_assert_uint_eq(counter(w, ticks), 2);
    /* One that comes in a turn ends the run after it. */
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, stop_on_fire, NULL));
    while (plx_loop_next_timeout(w->loop) != 0 || counter(w, timers_fired) == 0)
        ck_assert_int_eq(plx_loop_run_turn(w->loop, PLX_MILLISECOND), 1);
    ck_ok(plx_loop_run_turn(w->loop, PLX_FOREVER));
}

static void run_turn_waits_as_long_as_it_is_told(world *w)
{
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    uint64_t before = net_now();
    ck_assert_int_eq(plx_loop_run_turn(w->loop, WAIT_NS), 1);
    ck_assert_uint_ge(net_now() - before, least_ns(w));
    before = net_now();
    ck_assert_int_eq(plx_loop_run_turn(w->loop, 0), 1);
    ck_assert_uint_lt(net_now() - before, PLX_SECOND);
    ck_assert_uint_eq(counter(w, ticks), 2);
}

static void run_inside(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    ++*(size_t *)data;
    ck_assert_int_eq(plx_loop_run(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run_once(loop, 0), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run_turn(loop, 0), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_close(loop), PLX_EBUSY);
}

/* A loop cannot be run or closed from its own callbacks, and says so. */
static void loop_is_busy_in_its_callbacks(world *w)
{
    size_t fired = 0;
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, run_inside, &fired));
    turn_until(w, &fired, 1);
}

/* What happened in a turn, one letter each. */
typedef struct diary {
    char text[64];
    size_t length;
    plx_conn conn;
} diary;

static void note(diary *d, char letter)
{
    if (d->length < sizeof d->text - 1)
        d->text[d->length++] = letter;
}

static void note_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    note(data, 't');
}

static void note_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)status;
    note(data, 'p');
}

static size_t note_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)bytes;
    note(p->more, 'd');
    return length;
}

static void note_close(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    note(p->more, 'c');
}

/* One of each thing happens before the loop turns once. Returns whether the data was among what
 * that turn was told of: it may still be on its way, as the system has threads of its own. */
static bool turn_has_all(world *w, uint64_t head_start_ns)
{
    diary d = {{0}, 0, {0}};
    probe p = {.then_data = note_data, .more = &d};
    probe q = {.then_close = note_close, .more = &d};
    plx_conn_options options = probe_options(&p);
    plx_conn_options other_options = probe_options(&q);
    peer client = connect_pair(w, &p, &options);
    peer other = connect_pair(w, &q, &other_options);
    ck_assert_int_eq(net_send(client.socket, "x", 1), 1);
    ck_ok(plx_conn_close(w->loop, q.conn));
    ck_ok(plx_post(w->loop, note_post, &d));
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, note_timer, &d));
    /* A timer of 0 is due when the clock has moved on. */
    for (uint64_t until = net_now() + head_start_ns; net_now() < until;)
        continue;
    turn(w);
    bool has_all = d.text[0] == 'd';
    if (has_all)
        ck_assert_str_eq(d.text, "dtpc");
    else
        ck_assert_str_eq(d.text, "tpc");
    turn_until(w, &p.received, 1);
    peer_close(&client);
    peer_close(&other);
    turn_until(w, &p.closed, 1);
    return has_all;
}

/* The order of a turn is a promise: after the wait what has arrived, then timers, posts, closes. */
static void turn_has_its_order(world *w)
{
    uint64_t head_start_ns = PLX_MILLISECOND;
    while (!turn_has_all(w, head_start_ns))
        head_start_ns *= 2; /* The watchdog ends this. */
}

/* Names: an unknown one is refused, and so is an unknown one in the environment. */
static void backends_are_known_by_name(world *w)
{
    plx_loop *loop = w->loop;
    ck_assert_int_eq(plx_loop_open(&loop, &(plx_loop_options){.backend = "carrier-pigeon"}),
                     PLX_EBACKEND);
    ck_assert_ptr_null(loop);
    ck_assert_int_eq(plx_backend_probe("carrier-pigeon"), PLX_EBACKEND);
    ck_assert_int_eq(plx_backend_probe(NULL), PLX_EBACKEND);
    ck_ok(plx_backend_probe(w->backend));
    bool is_there = false;
    for (size_t i = 0; plx_backend_name(i) != NULL; i++)
        is_there = is_there || strcmp(plx_backend_name(i), w->backend) == 0;
    ck_assert(is_there);
    ck_assert_str_eq(plx_backend_default(), plx_backend_name(0));
}

static void options_out_of_range_are_refused(world *w)
{
    static const plx_loop_options wrong[] = {
        {.connections_max = UINT32_MAX},
        {.posts_max = UINT32_MAX},
        {.receive_bytes = UINT32_MAX},
    };
    plx_loop *loop;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        plx_loop_options options = world_options(w, wrong[i]);
        ck_assert_int_eq(plx_loop_open(&loop, &options), PLX_EINVAL);
        ck_assert_ptr_null(loop);
    }
    ck_ok(plx_loop_close(NULL));
}

/* --- fairness ----------------------------------------------------------------------------------
 */

/* One peer floods, nine ask now and then. Each of the nine is answered in few turns, whatever the
 * flood. */
static void flood_does_not_starve_others(world *w)
{
    enum { SLOW = 9, FLOOD = 1 << 20 };
    probe p = {.then_data = echo_back};
    probe greedy = {0};
    plx_conn_options options = probe_options(&p);
    plx_conn_options greedy_options = probe_options(&greedy);
    peer slow[SLOW];
    peer client = connect_pair(w, &greedy, &greedy_options);
    for (int i = 0; i < SLOW; i++)
        slow[i] = connect_pair(w, &p, &options);
    for (int round = 0; round < 50; round++) {
        for (ptrdiff_t sent = 1; sent > 0;)
            sent = net_send(client.socket, plenty(), FLOOD);
        for (int i = 0; i < SLOW; i++) {
            char answer;
            ck_assert_int_eq(net_send(slow[i].socket, "x", 1), 1);
            uint64_t before = counter(w, ticks);
            while (peer_try(&slow[i], &answer, 1) != 1) {
                ck_assert_uint_lt(counter(w, ticks) - before, 200);
                turn(w);
            }
        }
    }
    ck_assert_uint_gt(greedy.received, FLOOD);
    peer_close(&client);
    for (int i = 0; i < SLOW; i++)
        peer_close(&slow[i]);
    turn_until(w, &p.closed, SLOW);
    turn_until(w, &greedy.closed, 1);
}

/* The longest piece of a flood that one turn delivers is one receive: then others have their turn.
 */
static void one_receive_for_each_connection_and_turn(world *w)
{
    enum { FLOOD = 1 << 20 };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (ptrdiff_t sent = 1; sent > 0;)
        sent = net_send(client.socket, plenty(), FLOOD);
    for (int i = 0; i < 10; i++) {
        size_t before = p.shown;
        turn(w);
        ck_assert_uint_le(p.shown - before, 1);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- what runs out -----------------------------------------------------------------------------
 */

/* One thing to do that needs memory and descriptors. It returns its code, and undoes itself. */
typedef int (*attempt)(world *w);

static int try_loop(world *w)
{
    plx_loop *loop;
    const plx_loop_options options = world_options(w, (plx_loop_options){0});
    int status = plx_loop_open(&loop, &options);
    (void)plx_loop_close(loop);
    return status;
}

static int try_listen(world *w)
{
    plx_listener listener;
    int status = plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL);
    if (status == 0)
        ck_ok(plx_listener_close(w->loop, listener));
    return status;
}

/* What is told by on_close is its outcome, too. */
static int try_connect(world *w)
{
    probe p = {0};
    const plx_conn_options options = probe_options(&p);
    plx_conn conn;
    int status = plx_connect(w->loop, &conn, "tcp://127.0.0.1:1", &options);
    if (status != 0)
        return status;
    int closed = plx_conn_close(w->loop, conn);
    turn_until(w, &p.closed, 1);
    return closed == 0 ? 0 : p.reason;
}

static int try_timer(world *w)
{
    plx_timer timer;
    size_t count = 0;
    int status = plx_timer_start(w->loop, &timer, PLX_SECOND, 0, note_timer, &count);
    if (status == 0)
        ck_ok(plx_timer_cancel(w->loop, timer));
    return status;
}

static void no_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)data;
    (void)number;
}

static int try_signal(world *w)
{
    plx_signal signal;
    int status = plx_signal_open(w->loop, &signal, PLX_SIGNAL_INTERRUPT, no_signal, NULL);
    if (status == 0)
        ck_ok(plx_signal_close(w->loop, signal));
    return status;
}

static void no_watch(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

/* Makes the k-th piece that an attempt needs fail, for every k, until it needs no more than k. Each
 * failure has its code and leaves nothing behind; then the attempt succeeds. */
static void fail_everywhere(world *w, enum plx__fault_kind kind, attempt run)
{
    uint32_t k = 0;
    for (;; k++) {
        turn_some(w);
        uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
        uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
        plx__fault_arm(kind, k, 1);
        int status = run(w);
        uint32_t struck = plx__fault_disarm(kind);
        turn_some(w);
        if (struck == 0) {
            ck_ok(status);
            return;
        }
        ck_assert_uint_lt(k, 100);
        /* A descriptor may be one that can be done without, as the spare one; memory never is. */
        if (status == 0 && kind == PLX__FAULT_DESCRIPTOR)
            continue;
        ck_assert_msg(status == (kind == PLX__FAULT_MEMORY ? PLX_ENOMEM : PLX_EMFILE),
                      "piece %u: %s", k, plx_error_name(status));
        ck_assert_msg(plx__fault_held(PLX__FAULT_MEMORY) <= memory + 8, "piece %u leaks memory", k);
        ck_assert_msg(plx__fault_held(PLX__FAULT_DESCRIPTOR) == descriptors,
                      "piece %u leaks a descriptor", k);
    }
}

static void memory_fails_everywhere(world *w)
{
    static const attempt attempts[] = {try_loop, try_listen, try_connect, try_timer, try_signal};
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        fail_everywhere(w, PLX__FAULT_MEMORY, attempts[i]);
}

/* Memory ends for good while a loop opens on whatever backend there is: none of them has it. */
static void loop_is_not_opened_without_memory(world *w)
{
    for (uint32_t k = 0;; k++) {
        plx_loop *loop = NULL;
        const uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
        const uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
        plx__fault_arm(PLX__FAULT_MEMORY, k, UINT32_MAX);
        int status = plx_loop_open(&loop, NULL);
        if (plx__fault_disarm(PLX__FAULT_MEMORY) == 0) {
            ck_ok(status);
            ck_ok(plx_loop_close(loop));
            break;
        }
        ck_assert_uint_lt(k, 100);
        ck_assert_int_eq(status, PLX_ENOMEM);
        ck_assert_ptr_null(loop);
        ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory);
        ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), descriptors);
    }
    turn_some(w);
}

/* So many descriptors are open that the loop must make room for the number of the next one. */
static void memory_fails_for_a_high_number(world *w)
{
    static const attempt attempts[] = {try_listen, try_connect};
    enum { SOME = 150 };
    couple open[SOME];
    for (int i = 0; i < SOME; i++)
        open[i] = couple_open();
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        world_reopen(w, (plx_loop_options){0});
        fail_everywhere(w, PLX__FAULT_MEMORY, attempts[i]);
    }
    for (int i = 0; i < SOME; i++)
        couple_close(&open[i]);
}

static void memory_fails_for_a_watch(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    peer foreign = peer_start(address);
    for (uint32_t k = 0;; k++) {
        plx_watch watch;
        plx__fault_arm(PLX__FAULT_MEMORY, k, 1);
        int status = plx_watch_open(w->loop, &watch, foreign.socket, PLX_READABLE, no_watch, NULL);
        uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
        turn_some(w);
        ck_assert_int_eq(status, struck > 0 ? PLX_ENOMEM : 0);
        if (struck == 0) {
            ck_ok(plx_watch_close(w->loop, watch));
            break;
        }
    }
    peer_close(&foreign);
    turn_some(w);
}

static void descriptors_fail_everywhere(world *w)
{
    static const attempt attempts[] = {try_loop, try_listen, try_connect};
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        fail_everywhere(w, PLX__FAULT_DESCRIPTOR, attempts[i]);
}

/* Memory fails while connections are accepted, talk and close, at every place in turn: connections
 * may be lost, each with its on_close, but nothing leaks and the loop goes on. */
static void memory_fails_while_talking(world *w)
{
    static unsigned char bytes[200000];
    for (uint32_t k = 0;; k++) {
        probe p = {.then_data = echo_back};
        plx_conn_options options = probe_options(&p);
        char address[PLX_ADDRESS_TEXT_MAX];
        options.idle_timeout_ns = PLX_SECOND * 60;
        options.send_max = 1 << 20;
        plx_listener listener = listen_at(w, &options, address);
        plx__fault_arm(PLX__FAULT_MEMORY, k, 1);
        peer client = peer_start(address);
        for (int i = 0; i < 20; i++) {
            (void)net_send(client.socket, bytes, sizeof bytes);
            turn(w);
        }
        uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
        peer_reset(&client);
        /* A connection that was not accepted for want of memory is after the listener's pause. */
        uint64_t until = net_now() + patience();
        while (p.closed < p.opened || p.opened == 0) {
            ck_assert_uint_lt(net_now(), until);
            turn(w);
            if (p.opened == 0 && counter(w, accepts_rejected) > 0)
                break;
        }
        ck_ok(plx_listener_close(w->loop, listener));
        world_reopen(w, (plx_loop_options){0});
        if (struck == 0)
            break;
        ck_assert_uint_lt(k, 200);
    }
}

const test_case behavior_loop_cases[] = {
    CASE(run_returns_when_nothing_is_open),
    CASE(keep_running_until_stopped),
    CASE(run_once_waits_as_long_as_it_is_told),
    CASE(run_turn_ends_with_the_last_work),
    CASE(run_turn_ends_with_a_stop),
    CASE(run_turn_waits_as_long_as_it_is_told),
    CASE(loop_is_busy_in_its_callbacks),
    CASE(turn_has_its_order),
    CASE(backends_are_known_by_name),
    CASE(options_out_of_range_are_refused),
    CASE(flood_does_not_starve_others),
    CASE(one_receive_for_each_connection_and_turn),
    CASE(memory_fails_everywhere),
    CASE(loop_is_not_opened_without_memory),
    CASE(memory_fails_for_a_high_number),
    CASE(memory_fails_for_a_watch),
    CASE(descriptors_fail_everywhere),
    CASE(memory_fails_while_talking),
    CASES_END,
};
