/* tests/behavior_become.c - connections that get other options: plx_conn_become(). */
#include <string.h>

#include "core/loop.h"
#include "tests/harness.h"

extern const test_case behavior_become_cases[];

/* A connection that begins as `before` says and continues as `after` does. */
typedef struct change {
    probe before; /* First. */
    probe after;
    plx_conn_options options; /* Of `after`. */
    size_t takes;             /* How much of what it is shown the first on_data consumes, */
    bool pauses, resumes;     /* and what else it does. */
} change;

static change *of(probe *p)
{
    return (change *)(void *)p;
}

static size_t take_and_become(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    change *c = of(p);
    (void)bytes;
    if (c->pauses)
        ck_ok(plx_conn_pause(loop, conn));
    ck_ok(plx_conn_become(loop, conn, &c->options));
    ck_assert_uint_eq(c->after.shown, 0); /* Not from within. */
    ck_assert_ptr_eq(plx_conn_data(loop, conn), &c->after);
    if (c->resumes)
        ck_ok(plx_conn_resume(loop, conn));
    return c->takes < length ? c->takes : length;
}

static size_t take_none(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    (void)length;
    return 0;
}

static peer change_open(world *w, change *c)
{
    plx_conn_options options = probe_options(&c->before);
    c->options = probe_options(&c->after);
    return connect_pair(w, &c->before, &options);
}

/* The peer ends, and the last callback is the second one's. */
static void change_close(world *w, change *c, peer *client)
{
    peer_close(client);
    turn_until(w, &c->after.closed, 1);
    ck_assert_uint_eq(c->before.closed, 0);
    ck_assert_uint_eq(c->after.opened, 0);
}

/* What the old on_data leaves is the new one's: all of it, some, or none, and at once. Once more
 * for bytes that were unconsumed when the rest came, which core shows another way. */
static void rest_is_shown_to_the_new_on_data(world *w)
{
    for (size_t takes = 0; takes <= 12; takes += 4) {
        for (int in_pieces = 0; in_pieces < 2; in_pieces++) {
            change c = {.before = {.then_data = in_pieces ? take_none : take_and_become},
                        .takes = takes};
            peer client = change_open(w, &c);
            if (in_pieces) {
                peer_send(w, &client, "HEAD", 4);
                turn_until(w, &c.before.shown, 1);
                c.before.then_data = take_and_become;
                peer_send(w, &client, "bodyrest", 8);
            } else {
                peer_send(w, &client, "HEADbodyrest", 12);
            }
            turn_until(w, &c.before.shown, (size_t)in_pieces + 1);
            if (takes < 12)
                turn_until(w, &c.after.received, 12 - takes);
            turn_some(w);
            ck_assert_uint_eq(c.before.shown, (size_t)in_pieces + 1);
            ck_assert_uint_eq(c.after.shown, takes < 12 ? 1 : 0);
            ck_assert_mem_eq(c.after.bytes, &"HEADbodyrest"[takes], 12 - takes);
            peer_send(w, &client, "more", 4);
            turn_until(w, &c.after.received, 16 - takes);
            change_close(w, &c, &client);
        }
    }
}

/* The rest needs no bytes of the peer: the loop does not wait. */
static void rest_is_shown_in_the_same_turn(world *w)
{
    change c = {.before = {.then_data = take_and_become}};
    peer client = change_open(w, &c);
    peer_send(w, &client, "rest", 4);
    while (c.before.shown == 0)
        turn(w);
    ck_assert_uint_eq(c.after.received, 4);
    change_close(w, &c, &client);
}

/* From elsewhere, with bytes that the first on_data could do nothing with. */
static void unconsumed_input_is_shown_to_the_new_on_data(world *w)
{
    change c = {.before = {.then_data = take_none}};
    peer client = change_open(w, &c);
    peer_send(w, &client, "left", 4);
    turn_until(w, &c.before.shown, 1);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    ck_assert_uint_eq(c.after.shown, 0);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), 0);
    turn_until(w, &c.after.received, 4);
    ck_assert_mem_eq(c.after.bytes, "left", 4);
    turn_some(w);
    ck_assert_uint_eq(c.after.shown, 1);
    change_close(w, &c, &client);
}

/* A pause outlives the change, whoever began it, and so does what it holds back. */
static void paused_connection_shows_the_rest_when_it_resumes(world *w)
{
    for (int way = 0; way < 3; way++) {
        change c = {.before = {.then_data = take_and_become}, .takes = 2, .pauses = way == 0};
        peer client = change_open(w, &c);
        c.options.flags = way == 1 ? PLX_CONN_PAUSED : 0;
        c.resumes = way == 2; /* It is not paused, and resuming changes nothing. */
        peer_send(w, &client, "xxrest", 6);
        turn_until(w, &c.before.shown, 1);
        turn_some(w);
        ck_assert_uint_eq(c.after.shown, way == 2 ? 1 : 0);
        if (way != 2) {
            ck_assert_uint_eq(plx_conn_unconsumed(w->loop, c.before.conn), 4);
            peer_send(w, &client, "more", 4);
            turn_some(w);
            ck_assert_uint_eq(c.after.shown, 0);
            ck_ok(plx_conn_resume(w->loop, c.before.conn));
            turn_until(w, &c.after.received, 8);
        }
        ck_assert_mem_eq(c.after.bytes, "rest", 4);
        change_close(w, &c, &client);
    }
}

static void count_only(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

/* The peer has sent its last and ended while reading was paused. */
static void end_that_waits_is_told_to_the_new_on_end(world *w)
{
    change c = {.before = {.then_end = count_only}, .after = {.then_end = count_only}};
    peer client = change_open(w, &c);
    ck_ok(plx_conn_pause(w->loop, c.before.conn));
    peer_send(w, &client, "last", 4);
    peer_shutdown(&client);
    turn_some(w);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    ck_ok(plx_conn_resume(w->loop, c.before.conn));
    turn_until(w, &c.after.ended, 1);
    ck_assert_uint_eq(c.after.received, 4);
    ck_assert_uint_eq(c.before.ended, 0);
    ck_ok(plx_conn_shutdown(w->loop, c.before.conn));
    change_close(w, &c, &client);
}

static void become_at_end(plx_loop *loop, plx_conn conn, probe *p)
{
    ck_ok(plx_conn_become(loop, conn, &of(p)->options));
}

/* It is told once, though the new options have no on_end; what was left unconsumed is shown. */
static void end_that_was_told_is_not_told_again(world *w)
{
    for (int has_end = 0; has_end < 2; has_end++) {
        change c = {.before = {.then_data = take_none, .then_end = become_at_end},
                    .after = {.then_end = has_end ? count_only : NULL}};
        peer client = change_open(w, &c);
        peer_send(w, &client, "left", 4);
        peer_shutdown(&client);
        turn_until(w, &c.after.received, 4);
        turn_some(w);
        ck_assert_uint_eq(c.before.ended, 1);
        ck_assert_uint_eq(c.after.ended, 0);
        ck_assert_uint_eq(c.after.closed, 0);
        ck_ok(plx_conn_shutdown(w->loop, c.before.conn));
        change_close(w, &c, &client);
    }
}

/* The queue is high when the change comes: what is due then is the new one's, and the peer gets
 * everything. */
static void drain_that_is_due_is_the_new_ones(world *w)
{
    size_t dropped;
    change c = {.before = {.then_drain = count_only}, .after = {.then_drain = count_only}};
    peer client = change_open(w, &c);
    conn_fill(w, c.before.conn, 65536, 65536);
    ck_assert_int_eq(plx_conn_is_high(w->loop, c.before.conn), 1);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    ck_assert_int_eq(plx_conn_is_high(w->loop, c.before.conn), 1);
    peer_send(w, &client, "x", 1); /* Reading rests meanwhile. */
    turn_some(w);
    ck_assert_uint_eq(c.after.received, 0);
    uint64_t queued = plx_conn_queued(w->loop, c.before.conn);
    ck_assert_uint_gt(queued, 0);
    ck_ok(plx_conn_finish(w->loop, c.before.conn, PLX_FOREVER));
    ck_assert_int_eq(peer_drain(w, &client, &dropped), PLX_EEOF);
    ck_assert_uint_ge(dropped, queued);
    change_close(w, &c, &client);
}

static void new_on_drain_is_called_and_reading_resumes(world *w)
{
    unsigned char bytes[4096];
    change c = {.before = {.then_drain = count_only}, .after = {.then_drain = count_only}};
    peer client = change_open(w, &c);
    conn_fill(w, c.before.conn, 65536, 65536);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    peer_send(w, &client, "x", 1);
    while (c.after.drained == 0) {
        if (peer_try(&client, bytes, sizeof bytes) == PLX_EAGAIN)
            turn(w);
    }
    ck_assert_uint_eq(c.before.drained, 0);
    turn_until(w, &c.after.received, 1);
    ck_ok(plx_conn_close(w->loop, c.before.conn));
    change_close(w, &c, &client);
}

/* More is queued than the new options allow: reading pauses, nothing more may be written before
 * there is room, and all that was written arrives. */
static void smaller_queue_applies_at_once(world *w)
{
    unsigned char bytes[4096];
    change c = {.after = {.then_drain = count_only}};
    const size_t written = PLENTY;
    plx_conn_options options = probe_options(&c.before);
    options.send_high = options.send_max = PLENTY;
    c.options = probe_options(&c.after);
    c.options.send_low = 5;
    c.options.send_high = 10;
    c.options.send_max = 20;
    peer client = connect_pair(w, &c.before, &options);
    ck_ok(plx_conn_write(w->loop, c.before.conn, plenty(), written));
    ck_assert_uint_gt(plx_conn_queued(w->loop, c.before.conn), 20);
    ck_assert_int_eq(plx_conn_is_high(w->loop, c.before.conn), 0);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    ck_assert_int_eq(plx_conn_is_high(w->loop, c.before.conn), 1);
    ck_assert_int_eq(plx_conn_write(w->loop, c.before.conn, "x", 1), PLX_ENOBUFS);
    ck_assert_int_eq(plx_conn_write(w->loop, c.before.conn, bytes, 21), PLX_EMSGSIZE);
    peer_send(w, &client, "y", 1);
    turn_some(w);
    ck_assert_uint_eq(c.after.received, 0);
    size_t got = 0;
    while (c.after.drained == 0) {
        ptrdiff_t now = peer_try(&client, bytes, sizeof bytes);
        if (now == PLX_EAGAIN)
            turn(w);
        else
            got += (size_t)now;
    }
    turn_until(w, &c.after.received, 1);
    ck_ok(plx_conn_write(w->loop, c.before.conn, "the end", 7));
    ck_ok(plx_conn_finish(w->loop, c.before.conn, PLX_FOREVER));
    size_t rest;
    ck_assert_int_eq(peer_drain(w, &client, &rest), PLX_EEOF);
    ck_assert_uint_eq(got + rest, written + 7);
    change_close(w, &c, &client);
}

/* Whether it reads while its queue is high is the new options' to say, in both directions. */
static void reading_while_high_is_as_the_new_options_say(world *w)
{
    change c = {.before = {.then_data = NULL}};
    peer client = change_open(w, &c);
    plx_conn_options reads = c.options;
    reads.flags = PLX_CONN_READ_WHILE_HIGH;
    conn_fill(w, c.before.conn, 65536, 65536);
    peer_send(w, &client, "a", 1);
    turn_some(w);
    ck_assert_uint_eq(c.before.received, 0);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &reads));
    turn_until(w, &c.after.received, 1);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    peer_send(w, &client, "b", 1);
    turn_some(w);
    ck_assert_uint_eq(c.after.received, 1);
    ck_ok(plx_conn_become(w->loop, c.before.conn, &reads));
    turn_until(w, &c.after.received, 2);
    ck_ok(plx_conn_close(w->loop, c.before.conn));
    change_close(w, &c, &client);
}

static size_t write_and_become(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    (void)bytes;
    ck_ok(plx_conn_write(loop, conn, "old ", 4));
    ck_ok(plx_conn_become(loop, conn, &of(p)->options));
    ck_ok(plx_conn_write(loop, conn, "new", 3));
    ck_assert_int_eq(plx_conn_write(loop, conn, plenty(), 1000), PLX_EMSGSIZE);
    return length;
}

/* In one callback, with a limit below what a callback may otherwise gather. */
static void writes_keep_their_order_across_the_change(world *w)
{
    char got[7];
    change c = {.before = {.then_data = write_and_become}, .after = {.then_data = echo_back}};
    peer client = change_open(w, &c);
    c.options.send_low = c.options.send_high = c.options.send_max = 100;
    peer_send(w, &client, "x", 1);
    peer_receive(w, &client, got, 7);
    ck_assert_mem_eq(got, "old new", 7);
    peer_send(w, &client, "echo", 4);
    peer_receive(w, &client, got, 4);
    ck_assert_mem_eq(got, "echo", 4);
    change_close(w, &c, &client);
}

/* The old deadline has passed when the second connection's has, and has no effect; the new one
 * has. What plx_conn_set_timeout() had set is void. */
static void timeouts_are_those_of_the_new_options(world *w)
{
    for (int way = 0; way < 2; way++) {
        const uint64_t timeout_ns = 40 * PLX_MILLISECOND;
        change c = {.before = {.shown = 0}};
        plx_conn_options options = probe_options(&c.before);
        c.options = probe_options(&c.after);
        options.idle_timeout_ns = way == 0 ? timeout_ns : 3600 * PLX_SECOND;
        peer client = connect_pair(w, &c.before, &options);
        if (way == 1)
            ck_ok(plx_conn_set_timeout(w->loop, c.before.conn, PLX_TIMEOUT_IDLE, timeout_ns));
        ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
        uint64_t until = plx_loop_now(w->loop) + 2 * timeout_ns;
        while (plx_loop_now(w->loop) < until)
            turn(w);
        ck_assert_uint_eq(c.after.closed, 0);
        c.options.read_timeout_ns = timeout_ns;
        ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
        turn_until(w, &c.after.closed, 1);
        ck_assert_int_eq(c.after.reason, PLX_ETIMEDOUT);
        peer_close(&client);
    }
}

/* Reading stops, and so does its timeout. */
static void connection_that_becomes_paused_does_not_read(world *w)
{
    const uint64_t timeout_ns = 20 * PLX_MILLISECOND;
    change c = {.before = {.shown = 0}};
    peer client = change_open(w, &c);
    c.options.flags = PLX_CONN_PAUSED;
    c.options.read_timeout_ns = timeout_ns;
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    uint64_t until = plx_loop_now(w->loop) + 2 * timeout_ns;
    while (plx_loop_now(w->loop) < until)
        turn(w);
    ck_assert_uint_eq(c.after.closed, 0);
    ck_ok(plx_conn_close(w->loop, c.before.conn));
    change_close(w, &c, &client);
}

/* The new limit counts for what the new on_data leaves. */
static void receive_limit_is_the_new_one(world *w)
{
    change c = {.before = {.then_data = take_and_become}, .after = {.then_data = take_none}};
    peer client = change_open(w, &c);
    c.options.receive_limit = 3;
    peer_send(w, &client, "four", 4);
    turn_until(w, &c.after.closed, 1);
    ck_assert_int_eq(c.after.reason, PLX_EMSGSIZE);
    ck_assert_uint_eq(c.after.shown, 1);
    peer_close(&client);
}

/* It has not opened yet: the new on_open is called, or the new on_close. */
static void connecting_connection_opens_as_it_has_become(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    for (int is_refused = 0; is_refused < 2; is_refused++) {
        change c = {.before = {.shown = 0}};
        plx_conn_options options = probe_options(&c.before);
        c.options = probe_options(&c.after);
        plx_conn conn;
        plx_socket socket = is_refused ? socket_refusing(address) : socket_listening(address);
        ck_ok(plx_connect(w->loop, &conn, address, &options));
        if (plx_conn_become(w->loop, conn, &c.options) == 0) { /* A refusal may have come. */
            turn_until(w, is_refused ? &c.after.closed : &c.after.opened, 1);
            ck_assert_uint_eq(c.before.opened + c.before.closed, 0);
            (void)plx_conn_close(w->loop, conn);
        }
        turn_some(w);
        net_close(socket);
    }
}

/* A connection that ends in order is told the end as it has become. */
static void finishing_connection_closes_as_it_has_become(world *w)
{
    change c = {.before = {.shown = 0}};
    peer client = change_open(w, &c);
    c.options.flags = PLX_CONN_PAUSED; /* Which has no effect any more. */
    ck_ok(plx_conn_finish(w->loop, c.before.conn, PLX_FOREVER));
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    peer_send(w, &client, "dropped", 7);
    turn_some(w);
    ck_assert_uint_eq(c.after.shown, 0);
    change_close(w, &c, &client);
    ck_assert_int_eq(c.after.reason, 0);
}

static void release_socket(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                           const void *bytes, size_t length)
{
    probe *p = data;
    (void)loop;
    (void)conn;
    memcpy(p->bytes, bytes, length);
    p->received += length;
    plx_socket_close(socket);
}

/* It leaves the loop by the new on_release, which there has to be. */
static void released_connection_leaves_as_it_has_become(world *w)
{
    change c = {.before = {.then_data = take_none}};
    plx_conn_options options = probe_options(&c.before);
    options.on_release = release_socket;
    c.options = probe_options(&c.after);
    peer client = connect_pair(w, &c.before, &options);
    peer_send(w, &client, "left", 4);
    turn_until(w, &c.before.shown, 1);
    ck_ok(plx_conn_release(w->loop, c.before.conn));
    ck_assert_int_eq(plx_conn_become(w->loop, c.before.conn, &c.options), PLX_EINVAL);
    c.options.on_release = release_socket;
    ck_ok(plx_conn_become(w->loop, c.before.conn, &c.options));
    turn_until(w, &c.after.received, 4);
    ck_assert_uint_eq(c.after.shown + c.before.received, 0);
    peer_close(&client);
}

/* What is refused changes nothing. */
static void change_that_fails_changes_nothing(world *w)
{
    change c = {.before = {.shown = 0}};
    peer client = change_open(w, &c);
    const plx_conn conn = c.before.conn;
    c.options.send_high = 10;
    c.options.send_low = 11;
    ck_assert_int_eq(plx_conn_become(w->loop, conn, &c.options), PLX_EINVAL);
    c.options = probe_options(&c.after);
    c.options.flags = 1u << 31;
    ck_assert_int_eq(plx_conn_become(w->loop, conn, &c.options), PLX_EINVAL);
    c.options.flags = 0;
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(plx_conn_become(w->loop, conn, &c.options), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert_ptr_eq(plx_conn_data(w->loop, conn), &c.before);
    peer_send(w, &client, "x", 1);
    turn_until(w, &c.before.received, 1);
    peer_close(&client);
    turn_until(w, &c.before.closed, 1);
    ck_assert_int_eq(plx_conn_become(w->loop, conn, &c.options), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_become(w->loop, (plx_conn){0}, NULL), PLX_ESTALE);
    ck_assert_uint_eq(c.after.shown + c.after.closed, 0);
}

/* Options that are none discard what arrives, and close with the peer. */
static void connection_may_become_nothing_in_particular(world *w)
{
    change c = {.before = {.then_data = take_none}};
    peer client = change_open(w, &c);
    peer_send(w, &client, "left", 4);
    turn_until(w, &c.before.shown, 1);
    ck_ok(plx_conn_become(w->loop, c.before.conn, NULL));
    turn_some(w);
    ck_assert_uint_eq(plx_conn_unconsumed(w->loop, c.before.conn), 0);
    peer_close(&client);
    turn_until_counter(w, connections_closed, 1);
    ck_assert_uint_eq(c.before.closed, 0);
}

/* To and fro, in one callback and with its own options too: the last one counts. */
static size_t become_often(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    change *c = of(p);
    const plx_conn_options before = probe_options(&c->before);
    (void)bytes;
    (void)length;
    for (int i = 0; i < 3; i++) {
        ck_ok(plx_conn_become(loop, conn, &c->options));
        ck_ok(plx_conn_become(loop, conn, &before));
    }
    ck_ok(plx_conn_become(loop, conn, &c->options));
    ck_ok(plx_conn_become(loop, conn, &c->options));
    return 1;
}

static void last_of_several_changes_counts(world *w)
{
    change c = {.before = {.then_data = become_often}};
    peer client = change_open(w, &c);
    peer_send(w, &client, "xrest", 5);
    turn_until(w, &c.after.received, 4);
    ck_assert_uint_eq(c.before.shown, 1);
    change_close(w, &c, &client);
}

static size_t become_and_close(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    size_t taken = take_and_become(loop, conn, p, bytes, length);
    ck_ok(plx_conn_close(loop, conn));
    return taken;
}

static void changed_connection_may_close_in_the_same_callback(world *w)
{
    change c = {.before = {.then_data = become_and_close}};
    peer client = change_open(w, &c);
    peer_send(w, &client, "rest", 4);
    turn_until(w, &c.after.closed, 1);
    ck_assert_uint_eq(c.after.shown, 0);
    change_close(w, &c, &client);
}

const test_case behavior_become_cases[] = {
    CASE(rest_is_shown_to_the_new_on_data),
    CASE(rest_is_shown_in_the_same_turn),
    CASE(unconsumed_input_is_shown_to_the_new_on_data),
    CASE(paused_connection_shows_the_rest_when_it_resumes),
    CASE(end_that_waits_is_told_to_the_new_on_end),
    CASE(end_that_was_told_is_not_told_again),
    CASE(drain_that_is_due_is_the_new_ones),
    CASE(new_on_drain_is_called_and_reading_resumes),
    CASE(smaller_queue_applies_at_once),
    CASE(reading_while_high_is_as_the_new_options_say),
    CASE(writes_keep_their_order_across_the_change),
    CASE(timeouts_are_those_of_the_new_options),
    CASE(connection_that_becomes_paused_does_not_read),
    CASE(receive_limit_is_the_new_one),
    CASE(connecting_connection_opens_as_it_has_become),
    CASE(finishing_connection_closes_as_it_has_become),
    CASE(released_connection_leaves_as_it_has_become),
    CASE(change_that_fails_changes_nothing),
    CASE(connection_may_become_nothing_in_particular),
    CASE(last_of_several_changes_counts),
    CASE(changed_connection_may_close_in_the_same_callback),
    CASES_END,
};
