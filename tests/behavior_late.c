/* tests/behavior_late.c - timeouts of connections whose loop gets to them late.
 *
 * What arrived in time keeps a connection alive, however late the loop is; one that is idle times
 * out all the same. The loop is late because a callback, or the case itself, spins for as long as
 * the timeout: then the deadline has passed, whatever the machine does besides.
 */
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_late_cases[];

enum { FEW = 10, MANY = 400, TIMEOUT_MS = 400 };

#define TIMEOUT_NS (TIMEOUT_MS * PLX_MILLISECOND)

static void spin(uint64_t duration_ns)
{
    for (uint64_t until = net_now() + duration_ns; net_now() < until;)
        continue;
}

/* Adopts one end of a new couple, and turns the loop until it is open. */
static couple adopt_one(world *w, probe *p, const plx_conn_options *options, plx_conn *conn_out)
{
    couple c = couple_open();
    size_t before = p->opened;
    net_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, conn_out, c.ours.socket, options, NULL, 0));
    c.ours.socket = PLX_SOCKET_NONE;
    turn_until(w, &p->opened, before + 1);
    return c;
}

/* --- reading -----------------------------------------------------------------------------------
 */

typedef struct speakers {
    probe probe; /* First: of those that may time out. */
    couple couples[MANY];
    size_t count;
    size_t closed_before; /* They spoke: on a machine that is busy enough. */
} speakers;

/* Who was served has no timeout any more. */
static size_t take_and_close(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    (void)p;
    (void)bytes;
    ck_ok(plx_conn_close(loop, conn));
    return length;
}

static void speakers_open(world *w, speakers *s, size_t count)
{
    *s = (speakers){.probe = {.then_data = take_and_close}, .count = count};
    plx_conn_options options = probe_options(&s->probe);
    options.read_timeout_ns = TIMEOUT_NS;
    for (size_t i = 0; i < count; i++)
        s->couples[i] = couple_open();
    for (size_t i = 0; i < count; i++) {
        net_disown(s->couples[i].ours.socket);
        ck_ok(plx_conn_adopt(w->loop, NULL, s->couples[i].ours.socket, &options, NULL, 0));
        s->couples[i].ours.socket = PLX_SOCKET_NONE;
    }
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_eq(s->probe.opened, count);
}

static void speakers_speak(speakers *s)
{
    s->closed_before = s->probe.closed;
    for (size_t i = 0; i < s->count && s->closed_before == 0; i++)
        ck_assert_int_eq(net_send(s->couples[i].theirs.socket, "x", 1), 1);
}

static void speakers_close(world *w, speakers *s)
{
    for (size_t i = 0; i < s->count; i++)
        peer_close(&s->couples[i].theirs);
    turn_until(w, &s->probe.closed, s->count);
}

static size_t speak_and_spin(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    (void)loop;
    (void)conn;
    (void)bytes;
    speakers_speak(p->more);
    spin(TIMEOUT_NS);
    return length;
}

/* False if the machine was so busy that they timed out before they spoke. */
static bool slow_callback_tried(world *w)
{
    static speakers s;
    probe slow = {.then_data = speak_and_spin, .more = &s};
    plx_conn conn;
    plx_conn_options options = probe_options(&slow);
    couple c = adopt_one(w, &slow, &options, &conn);
    speakers_open(w, &s, FEW);
    peer_send(w, &c.theirs, "x", 1);
    turn_until(w, &slow.received, 1);
    uint64_t until = net_now() + patience();
    bool was_tried = s.closed_before == 0;
    while (was_tried && s.probe.closed < FEW) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(w->loop, 0));
    }
    if (was_tried)
        ck_assert_uint_eq(s.probe.received, FEW);
    speakers_close(w, &s);
    couple_close(&c);
    turn_until(w, &slow.closed, 1);
    return was_tried;
}

/* One callback takes longer than the timeout of others, to whom something comes meanwhile: all of
 * them are served, none times out. */
static void slow_callback_lets_nobody_time_out(world *w)
{
    while (!slow_callback_tried(w))
        continue; /* The watchdog ends this. */
}

/* More connections are ready than one wait collects, and the loop gets to all of them late. */
static void more_are_ready_than_one_wait_collects(world *w)
{
    static speakers s;
    speakers_open(w, &s, MANY);
    speakers_speak(&s);
    spin(TIMEOUT_NS);
    uint64_t until = net_now() + patience();
    while (s.probe.closed < MANY) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(w->loop, 0));
    }
    ck_assert_uint_eq(s.probe.received, MANY);
    ck_assert_uint_eq(counter(w, timeouts), 0);
    speakers_close(w, &s);
}

static size_t spin_a_little(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    spin(12 * PLX_MILLISECOND); /* A long turn, each time. */
    return echo_back(loop, conn, p, bytes, length);
}

/* A loop that always has something to do: one that is idle times out on it. */
static void idle_one_times_out_on_a_busy_loop(world *w)
{
    probe busy = {.then_data = spin_a_little};
    probe idle = {0};
    plx_conn conn;
    unsigned char byte;
    plx_conn_options busy_options = probe_options(&busy);
    plx_conn_options options = probe_options(&idle);
    options.read_timeout_ns = options.idle_timeout_ns = TIMEOUT_NS;
    couple talking = adopt_one(w, &busy, &busy_options, &conn);
    couple silent = adopt_one(w, &idle, &options, &conn);
    uint64_t until = net_now() + patience();
    while (idle.closed == 0) {
        ck_assert_uint_lt(net_now(), until);
        (void)net_send(talking.theirs.socket, "x", 1);
        ck_ok(plx_loop_run_once(w->loop, 0));
        (void)peer_try(&talking.theirs, &byte, 1);
    }
    ck_assert_int_eq(idle.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(counter(w, timeouts), 1);
    couple_close(&silent);
    couple_close(&talking);
    turn_until(w, &busy.closed, 1);
}

enum { LONG_MS = 1500 };

/* Of the first and the second callback: in which turn, and when it ended. */
typedef struct services {
    uint64_t ticks[2];
    uint64_t ended_ns;
} services;

static size_t spin_if_last(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    services *s = p->more;
    plx_loop_stats stats;
    (void)conn;
    (void)bytes;
    plx_loop_stats_get(loop, &stats);
    s->ticks[p->shown - 1] = stats.ticks;
    if (p->shown == 2)
        spin(LONG_MS * PLX_MILLISECOND);
    s->ended_ns = net_now();
    return length;
}

/* Two are served in one turn, the second for longer than their timeout. The first one's peer was
 * silent for as long as the loop was, and has as long again from the end of that turn. */
static void turn_counts_as_its_end(world *w)
{
    services s = {{0}, 0};
    probe p = {.then_data = spin_if_last, .more = &s};
    plx_conn conn;
    plx_conn_options options = probe_options(&p);
    options.read_timeout_ns = LONG_MS * PLX_MILLISECOND;
    couple first = adopt_one(w, &p, &options, &conn);
    couple second = adopt_one(w, &p, &options, &conn);
    peer_send(w, &first.theirs, "x", 1);
    peer_send(w, &second.theirs, "x", 1);
    turn_until(w, &p.received, 2);
    for (int i = 0; i < 5; i++)
        ck_ok(plx_loop_run_once(w->loop, 0));
    /* Unless the machine made two turns of it, or took as long again. */
    if (s.ticks[0] == s.ticks[1] && net_now() - s.ended_ns < LONG_MS * PLX_MILLISECOND)
        ck_assert_uint_eq(p.closed, 0);
    couple_close(&first);
    couple_close(&second);
    turn_until(w, &p.closed, 2);
}

typedef struct middle {
    probe *late;
    couple *couple;
    plx_listener listener;
    bool is_by_timer; /* It comes in the step of the timers, before the one that judges, */
    bool is_resumed;  /* and a byte that was left unconsumed is to be shown again. */
    size_t fired;
    bool was_late; /* On a machine that is busy enough it timed out before. */
} middle;

/* The late one speaks now. */
static void speak_in_mid_turn(plx_loop *loop, middle *m)
{
    m->was_late = m->late->closed > 0;
    if (!m->was_late)
        ck_assert_int_eq(net_send(m->couple->theirs.socket, "x", 1), 1);
    ck_ok(plx_listener_close(loop, m->listener));
    if (!m->was_late && m->is_resumed)
        ck_ok(plx_conn_resume(loop, m->late->conn));
}

/* First in the turn in which the timeout passes, then in the one in which it is judged. */
static void on_mid_timer(plx_loop *loop, plx_timer timer, void *data)
{
    middle *m = data;
    (void)timer;
    if (m->fired++ == 0)
        ck_ok(plx_timer_start(loop, &timer, 0, 0, on_mid_timer, m));
    else
        speak_in_mid_turn(loop, m);
}

static size_t take_in_mid_turn(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    middle *m = p->more;
    plx_timer timer;
    (void)conn;
    (void)bytes;
    if (p->shown == 1) {
        if (m->is_by_timer)
            ck_ok(plx_timer_start(loop, &timer, 0, 0, on_mid_timer, m));
        spin(TIMEOUT_NS);
    } else if (!m->is_by_timer) {
        speak_in_mid_turn(loop, m);
    }
    return length;
}

/* A byte alone is not consumed. */
static size_t leave_one(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    return length > 1 ? length : 0;
}

/* False if the machine was too busy. */
static bool mid_turn_tried(world *w, bool is_by_timer, bool is_resumed)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe late = {.then_data = is_resumed ? leave_one : NULL};
    couple c;
    middle m = {.late = &late, .couple = &c, .is_by_timer = is_by_timer, .is_resumed = is_resumed};
    probe p = {.then_data = take_in_mid_turn, .more = &m};
    plx_conn conn;
    plx_conn_options options = probe_options(&p);
    plx_conn_options late_options = probe_options(&late);
    if (is_resumed) /* read_timeout_ns does not run while reading rests. */
        late_options.idle_timeout_ns = TIMEOUT_NS;
    else
        late_options.read_timeout_ns = TIMEOUT_NS;
    couple other = adopt_one(w, &p, &options, &conn);
    m.listener = listen_at(w, &options, address);
    turn_some(w);
    c = adopt_one(w, &late, &late_options, &conn);
    if (is_resumed) {
        peer_send(w, &c.theirs, "x", 1);
        turn_until(w, &late.shown, 1);
    }
    peer_send(w, &other.theirs, "1", 1);
    turn_until(w, &p.received, 1);
    peer_send(w, &other.theirs, "2", 1);
    turn_until(w, &p.received, 2);
    if (is_by_timer)
        turn_until(w, &m.fired, 2);
    if (!m.was_late) {
        turn_until(w, &late.received, is_resumed ? 2 : 1);
        ck_assert_uint_eq(late.closed, 0);
    }
    couple_close(&other);
    couple_close(&c);
    turn_until(w, &p.closed, 1);
    turn_until(w, &late.closed, 1);
    return !m.was_late;
}

/* What arrives between a wait and the timers may leave the socket before the next wait: io_uring
 * receives it when something is cancelled, as by closing a listener. It counts all the same, also
 * when that is in the step of the timers. */
static void backend_has_what_the_socket_lacks(world *w)
{
    /* Two tiers need a turn more to learn of the second byte, and then it is late each time. */
    for (int way = 0; way < 2; way++) {
        for (int tries = 0; tries < 5 && !mid_turn_tried(w, way != 0, false); tries++)
            continue;
    }
}

/* Reading rests from a resume on that shows unconsumed bytes again, until that has been done. What
 * has arrived by then counts. */
static void unconsumed_bytes_do_not_hide_what_arrived(world *w)
{
    for (int tries = 0; tries < 5 && !mid_turn_tried(w, true, true); tries++)
        continue;
}

/* --- writing and connecting --------------------------------------------------------------------
 */

enum { QUEUED = 12 << 20 };

typedef struct drinker {
    peer *peer;
    size_t got;
    uint64_t idle_since_ns; /* It has done nothing for its peer since. */
    bool was_late;          /* For a whole timeout, on a machine that is busy enough. */
} drinker;

static void lateness_note(drinker *d)
{
    d->was_late = d->was_late || net_now() - d->idle_since_ns >= TIMEOUT_NS;
}

static void timeout_note(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    lateness_note(p->more);
}

/* Reads all that there is, and then keeps the loop busy. */
static size_t drink_and_spin(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    static unsigned char sink[65536];
    drinker *d = p->more;
    (void)loop;
    (void)conn;
    (void)bytes;
    lateness_note(d);
    for (ptrdiff_t got; (got = peer_try(d->peer, sink, sizeof sink)) > 0;)
        d->got += (size_t)got;
    spin(TIMEOUT_NS);
    d->idle_since_ns = net_now();
    return length;
}

/* The peer of a connection with a write timeout reads in time, while a callback keeps the loop busy
 * until after the deadline. */
static void slow_callback_and_a_peer_that_reads(world *w)
{
    drinker d = {.idle_since_ns = net_now()};
    probe p = {.then_close = timeout_note, .more = &d};
    probe slow = {.then_data = drink_and_spin, .more = &d};
    plx_conn conn;
    plx_conn slow_conn;
    plx_conn_options options = probe_options(&p);
    plx_conn_options slow_options = probe_options(&slow);
    options.send_high = options.send_max = QUEUED;
    options.write_timeout_ns = TIMEOUT_NS;
    couple c = adopt_one(w, &p, &options, &conn);
    couple other = adopt_one(w, &slow, &slow_options, &slow_conn);
    d.peer = &c.theirs;
    ck_ok(plx_conn_write(w->loop, conn, plenty(), QUEUED));
    ck_assert_uint_gt(plx_conn_queued(w->loop, conn), 0);
    for (size_t round = 1; d.got < QUEUED && p.closed == 0; round++) {
        peer_send(w, &other.theirs, "x", 1);
        turn_until(w, &slow.received, round);
        turn_some(w);
    }
    if (!d.was_late) {
        ck_assert_uint_eq(p.closed, 0);
        ck_assert_uint_eq(d.got, QUEUED);
    }
    couple_close(&c);
    couple_close(&other);
    turn_until(w, &p.closed, 1);
    turn_until(w, &slow.closed, 1);
}

typedef struct writer {
    plx_conn conn;
    uint64_t wrote_ns, closed_ns;
} writer;

/* Writes to another connection, and then keeps the loop busy. */
static size_t write_and_spin(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    writer *one = p->more;
    (void)conn;
    (void)bytes;
    ck_ok(plx_conn_write(loop, one->conn, plenty(), QUEUED));
    spin(TIMEOUT_NS);
    one->wrote_ns = net_now();
    return length;
}

static void close_note(plx_loop *loop, plx_conn conn, probe *p)
{
    writer *one = p->more;
    (void)loop;
    (void)conn;
    one->closed_ns = net_now();
}

/* The write timeout of bytes written in a long turn counts from the turn's end. */
static void slow_callback_that_writes(world *w)
{
    writer one = {.closed_ns = 0};
    probe p = {.then_close = close_note, .more = &one};
    probe slow = {.then_data = write_and_spin, .more = &one};
    plx_conn slow_conn;
    plx_conn_options options = probe_options(&p);
    plx_conn_options slow_options = probe_options(&slow);
    options.send_high = options.send_max = QUEUED;
    options.write_timeout_ns = TIMEOUT_NS;
    couple c = adopt_one(w, &p, &options, &one.conn);
    couple other = adopt_one(w, &slow, &slow_options, &slow_conn);
    peer_send(w, &other.theirs, "x", 1);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_ge(one.closed_ns - one.wrote_ns, TIMEOUT_NS);
    couple_close(&c);
    couple_close(&other);
    turn_until(w, &slow.closed, 1);
}

/* What is done between two turns counts from then, however long ago the last turn was: the idle
 * timeout begins anew, the write timeout begins, and so does the read timeout of one that is
 * resumed. */
static void call_between_turns_counts_from_then(world *w)
{
    for (int way = 0; way < 4; way++) {
        probe p = {0};
        plx_conn conn;
        plx_conn_options options = probe_options(&p);
        options.send_high = options.send_max = QUEUED;
        options.idle_timeout_ns = way == 0 ? TIMEOUT_NS : 0;
        options.write_timeout_ns = way == 1 || way == 2 ? TIMEOUT_NS : 0;
        options.read_timeout_ns = way == 3 ? TIMEOUT_NS : 0;
        options.flags = way == 3 ? PLX_CONN_PAUSED : 0;
        couple c = adopt_one(w, &p, &options, &conn);
        spin(TIMEOUT_NS);
        uint64_t called_ns = net_now();
        if (way == 0)
            ck_ok(plx_conn_write(w->loop, conn, "x", 1));
        else if (way == 1)
            ck_ok(plx_conn_write(w->loop, conn, plenty(), QUEUED));
        else if (way == 2)
            ck_ok(plx_conn_send(w->loop, conn, plenty(), QUEUED, NULL, NULL));
        else
            ck_ok(plx_conn_resume(w->loop, conn));
        for (int i = 0; i < 4; i++)
            ck_ok(plx_loop_run_once(w->loop, 0));
        if (net_now() - called_ns < TIMEOUT_NS)
            ck_assert_uint_eq(p.closed, 0);
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
        couple_close(&c);
    }
}

/* Connects that succeed in time, more than one wait collects. */
static void connects_that_the_loop_learns_of_late(world *w)
{
    enum { CONNECTS = 350 };
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address any;
    plx_socket listener;
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.connect_timeout_ns = TIMEOUT_NS;
    ck_ok(plx__address_parse(&any, "tcp://127.0.0.1:0"));
    ck_ok(net_open(&listener, any.family));
    ck_ok(net_bind(listener, &any));
    ck_ok(net_listen(listener, 2 * CONNECTS));
    ck_ok(net_name(listener, &any));
    ck_ok(plx__address_print(&any, text, sizeof text));
    for (int i = 0; i < CONNECTS; i++)
        ck_ok(plx_connect(w->loop, NULL, text, &options));
    spin(TIMEOUT_NS);
    uint64_t until = net_now() + patience();
    while (p.opened + p.closed < CONNECTS) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(w->loop, PLX_MILLISECOND));
    }
    ck_assert_uint_eq(p.closed, 0);
    net_close(listener);
    turn_until(w, &p.closed, CONNECTS);
}

/* It is paused, and so is not read: what waits for it does not put its timeout off. */
static void paused_one_times_out(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.idle_timeout_ns = TIMEOUT_NS;
    options.flags = PLX_CONN_PAUSED;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(p.received, 0);
    peer_close(&client);
}

/* clang-format off: a case is a line of its own, for tests/CMakeLists.txt. */
const test_case behavior_late_cases[] = {
    CASE(slow_callback_lets_nobody_time_out),
    CASE(more_are_ready_than_one_wait_collects),
    CASE(idle_one_times_out_on_a_busy_loop),
    CASE(paused_one_times_out),
    CASE(turn_counts_as_its_end),
    CASE(backend_has_what_the_socket_lacks),
    CASE(unconsumed_bytes_do_not_hide_what_arrived),
    CASE(slow_callback_and_a_peer_that_reads),
    CASE(slow_callback_that_writes),
    CASE(call_between_turns_counts_from_then),
    CASE(connects_that_the_loop_learns_of_late),
    CASES_END,
};
