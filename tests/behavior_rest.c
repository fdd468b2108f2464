/* tests/behavior_rest.c - a loop rests while there is nothing to do, and is never deaf: hang-ups
 * that nobody asked for, waits that are interrupted, limits that are lowered, accepts that are
 * refused.
 */
#include <string.h>

#include "platform/test_system.h"
#include "tests/rest.h"

extern const test_case behavior_rest_cases[];

/* The peers of connections that are not read from hang up, in order or by a reset. That cannot be
 * masked, and nobody wants to know. */
static void hang_up_of_one_that_is_paused_is_no_event(world *w)
{
    for (int resets = 0; resets < 2; resets++) {
        probe p = {0};
        probe other = {.then_data = echo_back};
        plx_conn_options options = probe_options(&p);
        plx_conn_options other_options = probe_options(&other);
        peer client = connect_pair(w, &p, &options);
        peer busy = connect_pair(w, &other, &other_options);
        turn_some(w);
        ck_ok(plx_conn_pause(w->loop, p.conn));
        turn_some(w);
        if (resets == 0)
            peer_close(&client);
        else
            peer_reset(&client);
        turn_some(w);
        expect_rest(w);
        expect_service(w, &busy);
        ck_assert_uint_eq(p.closed, 0);
        ck_ok(plx_conn_resume(w->loop, p.conn));
        turn_until(w, &p.closed, 1);
        peer_close(&busy);
        turn_until(w, &other.closed, 1);
    }
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)socket;
    (void)ready;
    ++*(size_t *)data;
}

/* The same for a watch that asks for nothing. */
static void hang_up_of_one_that_is_not_watched_is_no_event(world *w)
{
    couple c = couple_open();
    plx_watch watch;
    size_t calls = 0;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, on_ready, &calls));
    turn_some(w);
    ck_ok(plx_watch_set(w->loop, watch, 0));
    turn_some(w);
    peer_reset(&c.theirs);
    turn_some(w);
    expect_rest(w);
    ck_assert_uint_eq(calls, 0);
    ck_ok(plx_watch_set(w->loop, watch, PLX_READABLE));
    while (calls == 0)
        turn(w);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* The system may have room again by itself: it carries bytes on when it gets to it. */
static void on_room(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    ck_assert_int_ne(net_look(socket, PLX__LOOK_WRITE), 0);
    on_ready(loop, watch, data, socket, ready);
}

/* A watch waits to write to a socket that is full, and whose peer has shut its side: the end is not
 * what it waits for. It is called when there is room, and again for as long as there is. */
static void end_is_no_event_for_one_that_waits_to_write(world *w)
{
    enum { PIECE = 64 * 1024 };
    static unsigned char bytes[PIECE];
    couple c = couple_open();
    plx_watch watch;
    size_t calls = 0;
    do { /* Full is what it is when it does not get room within some turns. */
        while (net_send(c.ours.socket, bytes, sizeof bytes) > 0)
            continue;
        turn_some(w);
    } while (net_look(c.ours.socket, PLX__LOOK_WRITE) != 0);
    peer_shutdown(&c.theirs);
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_WRITABLE, on_room, &calls));
    turn_some(w);
    expect_rest(w);
    uint64_t until = net_now() + patience();
    while (calls == 0) {
        ck_assert_uint_lt(net_now(), until);
        (void)peer_try(&c.theirs, bytes, sizeof bytes);
        turn(w);
    }
    turn_until(w, &calls, calls + 3);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* A connection that waited to write does not any more once its queue is empty: it would be writable
 * in every turn from then on. So too one that is not read from meanwhile. */
static void interest_in_writing_does_not_stay(world *w)
{
    enum { PIECE = 64 * 1024 };
    static unsigned char bytes[PIECE];
    for (int pauses = 0; pauses < 2; pauses++) {
        probe p = {0};
        size_t written = 0;
        plx_conn_options options = probe_options(&p);
        options.send_max = (size_t)64 * PIECE;
        options.send_high = PIECE;
        peer client = connect_pair(w, &p, &options);
        if (pauses != 0)
            ck_ok(plx_conn_pause(w->loop, p.conn));
        while (!plx_conn_is_high(w->loop, p.conn)) {
            pattern_fill(bytes, sizeof bytes, written);
            ck_ok(plx_conn_write(w->loop, p.conn, bytes, sizeof bytes));
            written += sizeof bytes;
        }
        expect_rest(w); /* The peer reads nothing. */
        for (size_t position = 0; position < written; position += sizeof bytes) {
            peer_receive(w, &client, bytes, sizeof bytes);
            pattern_check(bytes, sizeof bytes, position);
        }
        turn_until(w, &p.drained, 1);
        turn_some(w);
        expect_rest(w);
        if (pauses != 0)
            ck_ok(plx_conn_resume(w->loop, p.conn));
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* Signals interrupt the wait: it ends early or goes on, and is no failure. */
static void interrupted_wait_is_no_failure(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    size_t fired = 0;
    if (plx__test_interruptions_start() == 0) {
        ck_ok(plx_timer_start(w->loop, NULL, 50 * PLX_MILLISECOND, 0, count_fire, &fired));
        while (fired == 0)
            ck_ok(plx_loop_run_once(w->loop, PLX_SECOND));
        for (int i = 0; i < 20; i++)
            expect_service(w, &client);
        ck_assert_uint_gt(plx__test_interruptions_end(), 0);
    }
    ck_assert_uint_eq(p.closed, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

enum { CROWD = 100 };

typedef struct crowd {
    probe probe;
    peer peers[CROWD];
} crowd;

static void crowd_serve(world *w, crowd *c)
{
    for (size_t i = 0; i < CROWD; i++)
        expect_service(w, &c->peers[i]);
}

/* The process lowers its limit of descriptors below what it has open, as a sandbox does when it has
 * started: all are served, and there is rest. */
static void limit_is_lowered_below_what_is_open(world *w)
{
    static crowd c = {.probe = {.then_data = echo_back}};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn_options options = probe_options(&c.probe);
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < CROWD; i++) {
        c.peers[i] = peer_start(address);
        turn_until(w, &c.probe.opened, i + 1);
    }
    crowd_serve(w, &c);
    turn_some(w); /* Where there is a second tier, they are there now. */
    if (plx__test_descriptor_ceiling(20) == 0) {
        crowd_serve(w, &c);
        turn_some(w);
        expect_rest(w);
        crowd_serve(w, &c); /* The second tier knows by now. */
        peer_close(&c.peers[0]);
        turn_until(w, &c.probe.closed, 1);
        ck_ok(plx__test_descriptor_ceiling(UINT32_MAX));
        c.peers[0] = peer_start(address);
        turn_until(w, &c.probe.opened, CROWD + 1);
        crowd_serve(w, &c);
    }
    size_t closed = c.probe.closed;
    for (size_t i = 0; i < CROWD; i++)
        peer_close(&c.peers[i]);
    turn_until(w, &c.probe.closed, closed + CROWD);
}

typedef struct refusal {
    size_t reports;
    int status;
} refusal;

static void on_refusal(plx_loop *loop, plx_listener listener, void *data, int status)
{
    refusal *r = data;
    (void)loop;
    (void)listener;
    r->reports++;
    r->status = status;
}

/* The system refuses every accept, as a filter of system calls or a security module may: the
 * listener pauses and says why, the loop rests meanwhile, and others are served. io_uring accepts
 * without that call. */
static void accepting_is_forbidden(world *w)
{
    enum { TRIES = 16 };
    refusal r = {0};
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    plx_listen_options listen = {.conn = &options, .on_error = on_refusal, .data = &r};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    peer busy = peer_start(address);
    turn_until(w, &p.opened, 1);
    if (strcmp(w->backend, "uring") == 0 || plx__test_no_accepts() != 0) {
        peer_close(&busy);
        turn_until(w, &p.closed, 1);
        return;
    }
    peer client = peer_start(address);
    turn_until(w, &r.reports, 1);
    ck_assert_int_eq(r.status, PLX_EACCES);
    ck_assert_uint_eq(counter(w, accept_pauses), 1);
    ck_assert_uint_eq(counter(w, accepts_aborted), TRIES); /* It may be one connection's fault. */
    expect_rest(w);
    expect_service(w, &busy);
    turn_until(w, &r.reports, 2);                                      /* It tries again. */
    ck_assert_uint_ge(counter(w, accepts_aborted), 2 * (size_t)TRIES); /* Or once more by now. */
    ck_ok(plx_listener_close(w->loop, listener));
    peer_close(&client);
    peer_close(&busy);
    turn_until(w, &p.closed, 1);
}

const test_case behavior_rest_cases[] = {
    CASE(hang_up_of_one_that_is_paused_is_no_event),
    CASE(hang_up_of_one_that_is_not_watched_is_no_event),
    CASE(end_is_no_event_for_one_that_waits_to_write),
    CASE(interest_in_writing_does_not_stay),
    CASE(interrupted_wait_is_no_failure),
    CASE(limit_is_lowered_below_what_is_open),
    CASE_ALONE(accepting_is_forbidden),
    CASES_END,
};
