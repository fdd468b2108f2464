/* tests/behavior_stats.c - what plx_loop_stats counts, to the one. */
#include <string.h>

#include "platform/hook.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_stats_cases[];

typedef struct both_ends {
    probe server, client;
    plx_conn conn; /* The client's. */
    char address[PLX_ADDRESS_TEXT_MAX];
} both_ends;

/* A listener and a connection to it on the same loop. */
static void both_ends_open(world *w, both_ends *b, plx_conn_options *server)
{
    const plx_conn_options client = probe_options(&b->client);
    (void)listen_at(w, server, b->address);
    ck_ok(plx_connect(w->loop, &b->conn, b->address, &client));
    turn_until(w, &b->server.opened, 1);
    turn_until(w, &b->client.opened, 1);
}

static void connections_and_bytes_are_counted(world *w)
{
    both_ends b = {.server = {.then_data = echo_back}};
    plx_conn_options server = probe_options(&b.server);
    both_ends_open(w, &b, &server);
    ck_assert_uint_eq(counter(w, connections_started), 1);
    ck_assert_uint_eq(counter(w, connections_accepted), 1);
    ck_assert_uint_eq(counter(w, connections_open), 2);
    ck_assert_uint_eq(counter(w, completions), 2);
    for (size_t round = 1; round <= 3; round++) {
        ck_ok(plx_conn_write(w->loop, b.conn, "hello", 5));
        turn_until(w, &b.client.received, 5 * round);
        ck_assert_uint_eq(counter(w, sends), 2 * round);
        ck_assert_uint_eq(counter(w, sent_bytes), 10 * round);
        ck_assert_uint_eq(counter(w, receives), 2 * round);
        ck_assert_uint_eq(counter(w, received_bytes), 10 * round);
        ck_assert_uint_eq(counter(w, completions), 2 + 2 * round);
    }
    ck_assert_uint_eq(counter(w, queued_bytes), 0);
    ck_assert_uint_eq(counter(w, queued_bytes_peak), 0);
    ck_assert_uint_eq(counter(w, connections_closed), 0);
    ck_ok(plx_conn_close(w->loop, b.conn));
    turn_until(w, &b.server.closed, 1);
    turn_until(w, &b.client.closed, 1);
    ck_assert_uint_eq(counter(w, connections_closed), 2);
    ck_assert_uint_eq(counter(w, connections_open), 0);
    ck_assert_uint_eq(counter(w, timeouts), 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    ck_assert_uint_eq(counter(w, wait_failures), 0);
    ck_assert_uint_eq(counter(w, accept_pauses), 0);
    ck_assert_uint_eq(counter(w, accepts_rejected), 0);
    ck_assert_uint_eq(counter(w, accepts_aborted), 0);
    ck_assert_uint_eq(counter(w, connections_adopted), 0);
}

static size_t write_twice(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    return 0; /* It is shown the same once more, with what comes. */
}

/* What is kept, what is written in pieces, and what is shown again: each byte counts once. */
static void bytes_that_are_kept_count_once(world *w)
{
    both_ends b = {.server = {.then_data = write_twice}};
    plx_conn_options server = probe_options(&b.server);
    both_ends_open(w, &b, &server);
    for (size_t round = 1, sent = 0; round <= 3; round++) {
        ck_ok(plx_conn_write(w->loop, b.conn, "hello", 5));
        sent += 10 * round; /* All that has been kept, twice. */
        turn_until(w, &b.client.received, sent);
        ck_assert_uint_eq(counter(w, sends), 2 * round);
        ck_assert_uint_eq(counter(w, sent_bytes), sent + 5 * round);
        ck_assert_uint_eq(counter(w, receives), 2 * round);
        ck_assert_uint_eq(counter(w, received_bytes), sent + 5 * round);
        ck_assert_uint_eq(b.server.shown, round);
    }
    ck_ok(plx_conn_close(w->loop, b.conn));
    turn_until(w, &b.server.closed, 1);
    turn_until(w, &b.client.closed, 1);
}

static void count_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    ck_ok(status);
    ++*(size_t *)data;
}

/* Whatever its length, what is written while nothing waits goes at once. A completion port takes it
 * later. */
static void what_can_go_at_once_does(world *w)
{
    static const size_t lengths[] = {1, 2, 4096, 4097, 10000};
    enum { COUNT = sizeof lengths / sizeof lengths[0] };
    static const unsigned char bytes[10000];
    both_ends b = {.client = {.opened = 0}};
    plx_conn_options server = probe_options(&b.server);
    size_t given_back = 0;
    size_t total = 0;
    both_ends_open(w, &b, &server);
    for (size_t i = 0; i < COUNT && strcmp(w->backend, "iocp") != 0; i++) {
        uint64_t sends = counter(w, sends);
        ck_ok(plx_conn_write(w->loop, b.conn, bytes, lengths[i]));
        ck_assert_uint_eq(counter(w, sends), sends + 1);
        ck_ok(plx_conn_send(w->loop, b.conn, bytes, lengths[i], count_sent, &given_back));
        ck_assert_uint_eq(counter(w, sends), sends + 2);
        ck_assert_uint_eq(plx_conn_queued(w->loop, b.conn), 0);
        total += 2 * lengths[i];
        turn_until(w, &given_back, i + 1);
        turn_until(w, &b.server.received, total);
    }
    ck_ok(plx_conn_send(w->loop, b.conn, bytes, 0, count_sent, &given_back));
    ck_assert_uint_eq(plx_conn_queued(w->loop, b.conn), 0);
    turn_until(w, &given_back, given_back + 1);
    ck_ok(plx_conn_close(w->loop, b.conn));
    turn_until(w, &b.server.closed, 1);
    turn_until(w, &b.client.closed, 1);
}

static void write_in_pieces(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)data;
    ck_ok(status);
    for (const char *piece = "abc"; *piece != '\0'; piece++)
        ck_ok(plx_conn_write(loop, conn, piece, 1));
}

/* What on_sent writes goes as one, as from every other callback. */
static void what_on_sent_writes_goes_as_one(world *w)
{
    both_ends b = {.client = {.opened = 0}};
    plx_conn_options server = probe_options(&b.server);
    both_ends_open(w, &b, &server);
    ck_ok(plx_conn_send(w->loop, b.conn, "x", 1, write_in_pieces, NULL));
    turn_until(w, &b.server.received, 4);
    ck_assert_int_eq(memcmp(b.server.bytes, "xabc", 4), 0);
    ck_assert_uint_eq(counter(w, sends), 2);
    ck_ok(plx_conn_close(w->loop, b.conn));
    turn_until(w, &b.server.closed, 1);
    turn_until(w, &b.client.closed, 1);
}

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

static void count_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

static void count_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)number;
    ++*(size_t *)data;
}

static void timers_posts_and_signals_are_counted(world *w)
{
    size_t fired = 0;
    size_t run = 0;
    size_t heard = 0;
    uint64_t ticks = counter(w, ticks);
    for (size_t i = 0; i < 3; i++) {
        ck_ok(plx_timer_start(w->loop, NULL, 0, 0, count_fire, &fired));
        ck_ok(plx_post(w->loop, count_post, &run));
    }
    turn(w);
    ck_assert_uint_eq(counter(w, ticks), ticks + 1);
    turn_until(w, &fired, 3);
    turn_until(w, &run, 3);
    ck_assert_uint_eq(counter(w, timers_fired), 3);
    ck_assert_uint_eq(counter(w, posts_run), 3);
    ck_assert_uint_eq(counter(w, completions), 0);
    ck_assert_uint_eq(counter(w, signals_delivered), 0);
    for (size_t i = 0; i < 2; i++)
        ck_ok(plx_signal_open(w->loop, NULL, PLX_SIGNAL_INTERRUPT, count_signal, &heard));
    ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
    turn_until(w, &heard, 2);
    ck_assert_uint_eq(counter(w, signals_delivered), 2);
}

typedef struct waker {
    plx_loop *loop;
    size_t posts; /* To be made when the loop sleeps. */
    size_t run;
} waker;

static void post_while_it_sleeps(enum plx__hook_step step, void *data)
{
    waker *k = data;
    if (step != PLX__HOOK_LOOKED)
        return;
    for (; k->posts > 0; k->posts--)
        ck_ok(plx_post(k->loop, count_post, &k->run));
}

/* Posts that come while the loop sleeps wake it once, however many they are, and those that it sees
 * before it sleeps do not. */
static void wakes_are_counted(world *w)
{
    waker k = {.loop = w->loop};
    turn_some(w);
    ck_assert_uint_eq(counter(w, wakes), 0);
    ck_ok(plx_post(w->loop, count_post, &k.run));
    turn_until(w, &k.run, 1);
    ck_assert_uint_eq(counter(w, wakes), 0);
    plx__hook_set(post_while_it_sleeps, &k);
    for (size_t round = 1; round <= 3; round++) {
        k.posts = round;
        k.run = 0;
        ck_ok(plx_loop_run_once(w->loop, patience()));
        turn_until(w, &k.run, round);
        ck_assert_uint_eq(counter(w, wakes), round);
    }
    plx__hook_set(NULL, NULL);
}

static void timeouts_are_counted(world *w)
{
    both_ends b = {.server = {.opened = 0}};
    plx_conn_options server = probe_options(&b.server);
    server.idle_timeout_ns = PLX_MILLISECOND;
    both_ends_open(w, &b, &server);
    turn_until(w, &b.server.closed, 1);
    turn_until(w, &b.client.closed, 1);
    ck_assert_int_eq(b.server.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(counter(w, timeouts), 1);
    ck_assert_uint_eq(counter(w, connections_closed), 2);
}

/* Reading pauses when the queue gets high; what is written then does not pause it again. */
static void pause_is_counted_once(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = 1000;
    options.send_max = 2 * PLENTY;
    peer client = connect_pair(w, &p, &options);
    for (int i = 0; i < 4; i++) {
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), i == 0 ? PLENTY : 1000));
        ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 1000);
        ck_assert_uint_eq(counter(w, read_pauses), 1);
    }
    peer_reset(&client);
    turn_until(w, &p.closed, 1);
}

/* What waits later and is less does not lower the peak. What is written before it is connected
 * waits on every backend. */
static void peak_stays_when_less_is_queued(world *w)
{
    static const unsigned char bytes[1000];
    both_ends b = {.server = {.opened = 0}};
    plx_conn_options server = probe_options(&b.server);
    const plx_conn_options client = probe_options(&b.client);
    (void)listen_at(w, &server, b.address);
    for (size_t round = 1; round <= 2; round++) {
        ck_ok(plx_connect(w->loop, &b.conn, b.address, &client));
        ck_ok(plx_conn_write(w->loop, b.conn, bytes, sizeof bytes / round));
        ck_assert_uint_eq(counter(w, queued_bytes), sizeof bytes / round);
        ck_assert_uint_eq(counter(w, queued_bytes_peak), sizeof bytes);
        ck_ok(plx_conn_shutdown(w->loop, b.conn));
        turn_until(w, &b.server.closed, round);
        turn_until(w, &b.client.closed, round);
        ck_assert_uint_eq(counter(w, queued_bytes), 0);
    }
    ck_assert_uint_eq(b.server.received, sizeof bytes + sizeof bytes / 2);
}

const test_case behavior_stats_cases[] = {
    CASE(peak_stays_when_less_is_queued),
    CASE(pause_is_counted_once),
    CASE(connections_and_bytes_are_counted),
    CASE(bytes_that_are_kept_count_once),
    CASE(what_can_go_at_once_does),
    CASE(what_on_sent_writes_goes_as_one),
    CASE(timers_posts_and_signals_are_counted),
    CASE(wakes_are_counted),
    CASE(timeouts_are_counted),
    CASES_END,
};
