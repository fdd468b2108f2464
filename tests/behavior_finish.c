/* tests/behavior_finish.c - plx_conn_finish(): ending in order, within a time. */
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_finish_cases[];

/* No callback but on_sent and on_close is to follow a finish. */
static size_t data_unwanted(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)at;
    ck_abort_msg("%u bytes were shown", (unsigned)length);
    return length;
}

static void event_unwanted(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
    ck_abort_msg("on_end or on_drain was called");
}

static plx_conn_options unwanted_options(probe *p)
{
    p->then_data = data_unwanted;
    p->then_end = p->then_drain = event_unwanted;
    return probe_options(p);
}

typedef struct returned {
    size_t count;
    int status;
} returned;

static void on_returned(plx_loop *loop, plx_conn conn, void *data, int status)
{
    returned *r = data;
    (void)loop;
    (void)conn;
    r->count++;
    r->status = status;
}

/* All that is queued is sent, and the end behind it; then the connection waits for the peer's. */
static void finish_sends_all_and_waits_for_the_peers_end(world *w)
{
    probe p = {0};
    returned r = {0};
    size_t count;
    plx_conn_options options = unwanted_options(&p);
    options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY / 2));
    ck_ok(plx_conn_send(w->loop, p.conn, plenty(), PLENTY / 2, on_returned, &r));
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, PLENTY);
    turn_until(w, &r.count, 1);
    ck_ok(r.status);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_assert_uint_eq(p.drained, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
}

/* The peer's end may be there before all is sent. */
static void finish_sends_all_after_the_peers_end(world *w)
{
    probe p = {0};
    size_t count;
    if (plx__test_loses_sends())
        return; /* The system itself would leave a gap. */
    plx_conn_options options = unwanted_options(&p);
    options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    peer_shutdown(&client);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, PLENTY);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    peer_close(&client);
}

/* A peer that is still sending gets the answer, and no reset. A close loses it. */
static void finish_saves_the_answer_from_a_reset(world *w)
{
    static const char answer[] = "413 too large";
    probe p = {0};
    char got[sizeof answer];
    size_t count;
    plx_conn_options options = unwanted_options(&p);
    options.flags = PLX_CONN_PAUSED;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, plenty(), 100000); /* It is not read. */
    ck_ok(plx_conn_write(w->loop, p.conn, answer, sizeof answer));
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    peer_send(w, &client, plenty(), PLENTY); /* That fits no buffer: it is read. */
    ck_assert_uint_eq(plx_conn_unconsumed(w->loop, p.conn), 0);
    peer_receive(w, &client, got, sizeof got);
    ck_assert_str_eq(got, answer);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, 0);
    peer_shutdown(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_assert_uint_eq(counter(w, received_bytes), 100000 + PLENTY);
    ck_assert_uint_eq(p.shown, 0);
    peer_close(&client);
}

/* When the time is over nothing that the system has taken is lost. */
static void finish_closes_when_its_time_is_over(world *w)
{
    probe p = {0};
    size_t count;
    plx_conn_options options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, "last words", 10));
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_MILLISECOND));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(counter(w, timeouts), 1);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, 10);
    peer_close(&client);
}

/* What was still queued is lost, and the peer must not take what it has got for the whole. */
static void finish_resets_when_its_time_is_over_and_bytes_wait(world *w)
{
    probe p = {0};
    returned r = {0};
    size_t count;
    plx_conn_options options = unwanted_options(&p);
    options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_send(w->loop, p.conn, plenty(), PLENTY, on_returned, &r));
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_MILLISECOND));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(r.count, 1);
    ck_assert_int_eq(r.status, PLX_ECANCELED);
    expect_reset(peer_drain(w, &client, &count));
    ck_assert_uint_lt(count, PLENTY);
    peer_close(&client);
}

/* The time begins with the first call, and the second changes nothing. */
static void finish_twice_is_finish_once(world *w)
{
    probe p = {0};
    plx_conn_options options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    ck_ok(plx_conn_finish(w->loop, p.conn, 1));
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
}

/* What other calls do meanwhile. */
static void finish_excludes_writes_pauses_and_releases(world *w)
{
    probe p = {0};
    plx_conn_options options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, "x", 1), PLX_EPIPE);
    ck_assert_int_eq(plx_conn_send(w->loop, p.conn, "x", 1, NULL, NULL), PLX_EPIPE);
    ck_ok(plx_conn_shutdown(w->loop, p.conn));
    ck_ok(plx_conn_pause(w->loop, p.conn));
    peer_send(w, &client, "x", 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1); /* It is not paused. */
    ck_ok(p.reason);
    ck_assert_int_eq(plx_conn_finish(w->loop, p.conn, 0), PLX_ESTALE);
}

static void finish_may_be_cut_short_by_a_close(world *w)
{
    probe p = {0};
    plx_conn_options options = unwanted_options(&p);
    options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_assert_uint_eq(counter(w, queued_bytes), 0);
    peer_close(&client);
}

static void nothing_sent(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                         const void *at, size_t length)
{
    (void)loop;
    (void)conn;
    (void)data;
    (void)at;
    (void)length;
    plx_socket_close(socket);
    ck_abort_msg("it was released");
}

/* A connection that is connecting closes; one that is being released goes on with that. */
static void finish_of_what_is_not_open(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    probe p = {0};
    plx_conn conn;
    plx_conn_options options = unwanted_options(&p);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_ok(plx_conn_write(w->loop, conn, "x", 1));
    ck_ok(plx_conn_finish(w->loop, conn, 0));
    ck_assert_int_eq(plx_conn_finish(w->loop, conn, 0), PLX_ESTALE);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_assert_uint_eq(p.opened, 0);
    options.on_release = nothing_sent;
    options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_ok(plx_conn_release(w->loop, p.conn));
    ck_assert_int_eq(plx_conn_finish(w->loop, p.conn, 0), PLX_EPIPE);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 2);
    options.on_release = NULL;
    net_close(listener);
    peer_close(&client);
}

/* --- what was there before ---------------------------------------------------------------------
 */

static size_t keep_all(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)at;
    (void)length;
    return 0;
}

/* Bytes that on_data left and a pause are in its way no more than the peer's end that waits behind
 * them; `way` 1: this side was shut before; 2: the end comes later. */
static void finish_ends_a_pause_and_drops_what_was_kept(world *w)
{
    for (int way = 0; way < 3; way++) {
        probe p = {.then_data = keep_all};
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        peer_send(w, &client, "kept", 4);
        turn_until(w, &p.shown, 1);
        ck_ok(plx_conn_pause(w->loop, p.conn));
        peer_send(w, &client, "unread", 6);
        if (way < 2)
            peer_shutdown(&client);
        turn_some(w);
        if (way == 1)
            ck_ok(plx_conn_shutdown(w->loop, p.conn));
        ck_ok(plx_conn_finish(w->loop, p.conn, 0));
        if (way == 2)
            peer_shutdown(&client);
        turn_until(w, &p.closed, 1);
        ck_ok(p.reason);
        ck_assert_uint_eq(p.shown, 1);
        peer_close(&client);
    }
}

/* The peer has ended already: nothing is waited for. */
static void answer_and_finish(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, "bye", 3));
    ck_ok(plx_conn_finish(loop, conn, PLX_FOREVER));
}

static void finish_after_the_peers_end_closes_at_once(world *w)
{
    probe p = {.then_end = answer_and_finish};
    char got[3];
    size_t count;
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_shutdown(&client);
    peer_receive(w, &client, got, sizeof got);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_assert_uint_eq(p.ended, 1);
    peer_close(&client);
}

/* In on_data, and with bytes left: those that it is being shown stay valid until it returns, and
 * are not shown again. The second time they are the connection's own copy. */
static size_t leave_then_finish(plx_loop *loop, plx_conn conn, probe *p, const void *at,
                                size_t length)
{
    const size_t wanted = *(const size_t *)p->more;
    couple other = {{PLX_SOCKET_NONE}, {PLX_SOCKET_NONE}};
    if (p->shown < wanted)
        return 0;
    ck_ok(plx_conn_write(loop, conn, "answer", 6));
    ck_ok(plx_conn_finish(loop, conn, 0));
    other = couple_open();
    ck_assert_int_eq(plx_conn_write(loop, conn, "x", 1), PLX_EPIPE);
    net_disown(other.ours.socket); /* Its copy of these bytes is made in a buffer, */
    ck_ok(plx_conn_adopt(loop, NULL, other.ours.socket, NULL, "trample", 7));
    ck_assert_mem_eq(at, "request", 7); /* which is not the one that is shown. */
    peer_close(&other.theirs);
    ck_ok(plx_conn_resume(loop, conn));
    return length - 1;
}

static void finish_in_on_data_drops_what_it_leaves(world *w)
{
    for (size_t times = 1; times <= 2; times++) {
        probe p = {.then_data = leave_then_finish, .more = &times};
        char got[6];
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        for (size_t i = 1; i <= times; i++) {
            peer_send(w, &client, "request", 7);
            turn_until(w, &p.shown, i);
        }
        peer_receive(w, &client, got, sizeof got);
        ck_assert_mem_eq(got, "answer", 6);
        peer_send(w, &client, "more", 4);
        turn_some(w);
        ck_assert_uint_eq(p.shown, times);
        ck_assert_uint_eq(p.closed, 0);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
        ck_ok(p.reason);
    }
}

static size_t answer_later(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)p;
    (void)at;
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, 1);
    ck_ok(plx_conn_write(loop, conn, plenty(), 1000));
    ck_ok(plx_conn_finish(loop, conn, PLX_FOREVER));
    ck_assert_int_eq(plx_conn_is_high(loop, conn), 0);
    return length;
}

/* What the callback has written before, and what of it must wait, does not make the queue high:
 * reading goes on. */
static void finish_with_a_queue_that_would_be_high(world *w)
{
    probe p = {.then_data = answer_later, .then_drain = event_unwanted};
    plx_conn_options options = probe_options(&p);
    options.send_high = 100;
    options.send_max = 100000;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.received, 1);
    peer_send(w, &client, plenty(), PLENTY); /* That fits no buffer: it is read. */
    (void)plx__fault_disarm(PLX__FAULT_SEND_LATER);
    peer_receive(w, &client, plenty(), 1000);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
}

static void finish_it(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, "hello", 5));
    ck_ok(plx_conn_finish(loop, conn, 0));
}

static void finish_in_on_open(world *w)
{
    probe p = {.then_open = finish_it};
    char got[5];
    size_t count;
    plx_conn_options options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_receive(w, &client, got, sizeof got);
    ck_assert_mem_eq(got, "hello", 5);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    peer_send(w, &client, "x", 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
}

/* One that waits for room in all queues of the loop is told of none any more. */
static void finish_of_one_that_waits_for_room(world *w)
{
    enum { ROOM = 8 << 20 };
    probe full = {0};
    probe p = {0};
    world_reopen(w, (plx_loop_options){.queued_bytes_max = ROOM});
    plx_conn_options options = probe_options(&full);
    options.send_max = options.send_high = PLENTY;
    peer reader = connect_pair(w, &full, &options);
    options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    conn_fill(w, full.conn, ROOM, 1000);
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), 1000), PLX_ENOBUFS);
    ck_ok(plx_conn_finish(w->loop, p.conn, 0));
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
    peer_receive(w, &reader, plenty(), ROOM);
    turn_some(w);
    ck_assert_uint_gt(full.drained, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    ck_ok(plx_conn_close(w->loop, full.conn));
    turn_until(w, &full.closed, 1);
    peer_close(&reader);
}

/* --- other timeouts, and failures ---------------------------------------------------------------
 */

/* Long enough for all connections to be looked at when the turn is over. */
static void on_slow_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    for (uint64_t until = net_now() + 30 * PLX_MILLISECOND; net_now() < until;)
        ;
}

/* `way` 0: idle and read timeouts, which are replaced; 1: the write timeout, which applies. */
static void finish_keeps_the_write_timeout_alone(world *w)
{
    for (int way = 0; way < 2; way++) {
        probe p = {0};
        plx_conn_options options = unwanted_options(&p);
        options.send_max = PLENTY;
        options.idle_timeout_ns = options.read_timeout_ns = way == 0 ? 20 * PLX_MILLISECOND : 0;
        options.write_timeout_ns = way == 1 ? 5 * PLX_MILLISECOND : 0;
        options.flags = PLX_CONN_PAUSED;
        peer client = connect_pair(w, &p, &options);
        if (way == 1)
            ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
        ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
        if (way == 0) {
            ck_ok(plx_timer_start(w->loop, NULL, 0, 0, on_slow_timer, NULL));
            turn_some(w);
            ck_assert_uint_eq(p.closed, 0);
            peer_close(&client);
        }
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(p.reason, way == 0 ? 0 : PLX_ETIMEDOUT);
        peer_close(&client);
    }
}

static void finish_of_a_connection_that_the_peer_resets(world *w)
{
    probe p = {0};
    plx_conn_options options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    turn_some(w);
    peer_reset(&client);
    turn_until(w, &p.closed, 1);
    if (!plx__test_is_wine())
        ck_assert_int_eq(p.reason, PLX_ECONNRESET);
}

/* A send that fails because the connection is over leaves the input to be read to its end. */
static void finish_of_a_connection_whose_output_is_dead(world *w)
{
    probe p = {0};
    plx_conn_options options = unwanted_options(&p);
    peer client = connect_pair(w, &p, &options);
    uint64_t until = net_now() + patience();
    int status = 0;
    peer_reset(&client);
    while ((status = plx_conn_write(w->loop, p.conn, "x", 1)) == 0)
        ck_assert_uint_lt(net_now(), until);
    ck_assert_int_eq(status, PLX_EPIPE);
    ck_ok(plx_conn_finish(w->loop, p.conn, PLX_FOREVER));
    turn_until(w, &p.closed, 1);
    ck_assert_msg(p.reason == PLX_ECONNRESET || p.reason == PLX_ECONNABORTED, "%s",
                  plx_error_name(p.reason));
}

const test_case behavior_finish_cases[] = {
    CASE(finish_sends_all_and_waits_for_the_peers_end),
    CASE(finish_sends_all_after_the_peers_end),
    CASE(finish_saves_the_answer_from_a_reset),
    CASE(finish_closes_when_its_time_is_over),
    CASE(finish_resets_when_its_time_is_over_and_bytes_wait),
    CASE(finish_twice_is_finish_once),
    CASE(finish_excludes_writes_pauses_and_releases),
    CASE(finish_may_be_cut_short_by_a_close),
    CASE(finish_of_what_is_not_open),
    CASE(finish_ends_a_pause_and_drops_what_was_kept),
    CASE(finish_after_the_peers_end_closes_at_once),
    CASE(finish_in_on_data_drops_what_it_leaves),
    CASE(finish_with_a_queue_that_would_be_high),
    CASE(finish_in_on_open),
    CASE(finish_of_one_that_waits_for_room),
    CASE(finish_keeps_the_write_timeout_alone),
    CASE(finish_of_a_connection_that_the_peer_resets),
    CASE(finish_of_a_connection_whose_output_is_dead),
    CASES_END,
};
