/* tests/behavior_close.c - closing from anywhere, and handles that outlive what they named. */
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_close_cases[];

static void close_it(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_close(loop, conn));
    ck_assert_int_eq(plx_conn_close(loop, conn), PLX_ESTALE);
}

static size_t close_on_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    (void)bytes;
    close_it(loop, conn, p);
    return length;
}

/* After a close in a callback nothing comes any more but one on_close, in a later turn. */
static void expect_closed_once(world *w, probe *p, peer *client)
{
    size_t count;
    (void)peer_drain(w, client, &count);
    turn_until(w, &p->closed, 1);
    turn_some(w);
    ck_assert_uint_eq(p->closed, 1);
    ck_assert_int_eq(p->reason, 0);
    ck_assert_uint_eq(p->gone.bits, p->conn.bits);
    ck_assert_uint_eq(counter(w, connections_open), 0);
    peer_close(client);
}

static void close_from_on_open(world *w)
{
    probe p = {.then_open = close_it};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    expect_closed_once(w, &p, &client);
    ck_assert_uint_eq(p.shown, 0);
}

static void close_from_on_data(world *w)
{
    probe p = {.then_data = close_on_data};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    expect_closed_once(w, &p, &client);
    ck_assert_uint_eq(p.shown, 1);
}

/* Closed in on_data after writing, and with bytes left unconsumed: neither is seen again. */
static size_t write_and_close(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    ck_ok(plx_conn_close(loop, conn));
    return 0;
}

static void close_from_on_data_drops_what_was_written(world *w)
{
    probe p = {.then_data = write_and_close};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    size_t count;
    peer_send(w, &client, "x", 1);
    (void)peer_drain(w, &client, &count);
    ck_assert_uint_eq(count, 0);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(counter(w, queued_bytes), 0);
    peer_close(&client);
}

static void close_from_on_end(world *w)
{
    probe p = {.then_end = close_it};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_shutdown(&client);
    expect_closed_once(w, &p, &client);
    ck_assert_uint_eq(p.ended, 1);
}

static void close_from_on_drain(world *w)
{
    probe p = {.then_drain = close_it};
    plx_conn_options options = probe_options(&p);
    options.send_high = 1000;
    options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    expect_closed_once(w, &p, &client);
    ck_assert_uint_eq(p.drained, 1);
}

static void stale_in_on_close(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_assert_int_eq(plx_conn_close(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_write(loop, conn, "x", 1), PLX_ESTALE);
}

/* In on_close the handle is stale already: it is for comparing only. */
static void close_from_on_close_is_stale(world *w)
{
    probe p = {.then_open = close_it, .then_close = stale_in_on_close};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    expect_closed_once(w, &p, &client);
}

typedef struct fired {
    plx_conn conn;
    size_t count;
} fired;

static void close_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    fired *f = data;
    (void)timer;
    ck_ok(plx_conn_close(loop, f->conn));
    f->count++;
}

static void close_from_a_timer(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    fired f = {.conn = p.conn};
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, close_on_fire, &f));
    expect_closed_once(w, &p, &client);
    ck_assert_uint_eq(f.count, 1);
}

/* Cut off: the peer is told of a reset, not of an end. */
static void reset_tells_the_peer(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    size_t count;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_reset(w->loop, p.conn));
    ck_assert_int_eq(plx_conn_reset(w->loop, p.conn), PLX_ESTALE);
    expect_reset(peer_drain(w, &client, &count));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, 0);
    peer_close(&client);
}

enum { CROWD = 20 };

typedef struct crowd {
    plx_conn conns[CROWD];
    size_t opened, shown, closed;
} crowd;

static void crowd_open(plx_loop *loop, plx_conn conn, void *data)
{
    crowd *c = data;
    (void)loop;
    c->conns[c->opened++] = conn;
}

static size_t crowd_close_others(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                                 size_t length)
{
    crowd *c = data;
    (void)bytes;
    c->shown++;
    for (int i = 0; i < CROWD; i++) {
        if (c->conns[i].bits != conn.bits)
            ck_ok(plx_conn_close(loop, c->conns[i]));
    }
    return length;
}

static void crowd_closed(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    crowd *c = data;
    (void)loop;
    (void)conn;
    (void)reason;
    c->closed++;
}

/* Twenty connections are ready in one turn. The first that is served closes all others: none of
 * them is served any more, though the backend has found them ready. */
static void close_all_others_that_are_ready(world *w)
{
    crowd c = {0};
    plx_conn_options options = {
        .on_open = crowd_open, .on_data = crowd_close_others, .on_close = crowd_closed, .data = &c};
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[CROWD];
    (void)listen_at(w, &options, address);
    for (int i = 0; i < CROWD; i++)
        peers[i] = peer_open(w, address);
    turn_until(w, &c.opened, CROWD);
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(net_send(peers[i].socket, "x", 1), 1);
    turn_until(w, &c.closed, CROWD - 1);
    ck_assert_uint_eq(c.shown, 1);
    for (int i = 0; i < CROWD; i++)
        peer_close(&peers[i]);
    turn_until(w, &c.closed, CROWD);
}

typedef struct swap {
    char address[PLX_ADDRESS_TEXT_MAX];
    probe *fresh;
    plx_conn old;
} swap;

static size_t swap_on_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    swap *s = p->more;
    (void)bytes;
    if (p->shown > 1)
        return length;
    plx_conn_options options = probe_options(s->fresh);
    s->old = conn;
    ck_ok(plx_conn_close(loop, conn));
    ck_ok(plx_connect(loop, &s->fresh->conn, s->address, &options));
    ck_assert_uint_ne(s->fresh->conn.bits, s->old.bits);
    return length;
}

/* A connection is closed and another made in the same callback, which may get the same descriptor
 * and, a turn later, the same slot: the old handle stays stale, and nothing meant for the old one
 * reaches the new one. */
static void slot_and_descriptor_are_reused(world *w)
{
    probe server = {0};
    probe fresh = {0};
    swap s = {.fresh = &fresh};
    probe p = {.then_data = swap_on_data, .more = &s};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&p);
    (void)listen_at(w, &server_options, s.address);
    for (size_t round = 1; round <= 30; round++) {
        peer client = connect_pair(w, &p, &options);
        p.shown = 0;
        peer_send(w, &client, "first", 5);
        (void)net_send(client.socket, "more", 4);
        turn_until(w, &fresh.opened, round);
        turn_until(w, &server.opened, round);
        turn_until(w, &p.closed, round);
        ck_assert_uint_eq(fresh.received, 0);
        ck_assert_int_eq(plx_conn_write(w->loop, s.old, "x", 1), PLX_ESTALE);
        ck_ok(plx_conn_close(w->loop, fresh.conn));
        turn_until(w, &fresh.closed, round);
        turn_until(w, &server.closed, round);
        peer_close(&client);
    }
}

/* A client that talks with the loop's own server, many times over, so that descriptors and slots
 * are handed around quickly: each conversation gets its own bytes back. */
typedef struct talk {
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t done, wanted;
    unsigned char tag;
} talk;

static void talk_start(plx_loop *loop, talk *t);

static void talk_open(plx_loop *loop, plx_conn conn, void *data)
{
    talk *t = data;
    unsigned char bytes[16];
    memset(bytes, ++t->tag, sizeof bytes);
    ck_ok(plx_conn_set_data(loop, conn, (void *)(uintptr_t)t->tag));
    ck_ok(plx_conn_write(loop, conn, bytes, sizeof bytes));
}

static talk *the_talk;

static size_t talk_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    if (length < 16)
        return 0;
    for (size_t i = 0; i < 16; i++)
        ck_assert_uint_eq(((const unsigned char *)bytes)[i], (unsigned char)(uintptr_t)data);
    ck_ok(plx_conn_close(loop, conn));
    the_talk->done++;
    talk_start(loop, the_talk);
    return length;
}

static void talk_start(plx_loop *loop, talk *t)
{
    plx_conn_options options = {.on_open = talk_open, .on_data = talk_data, .data = t};
    if (t->done < t->wanted)
        ck_ok(plx_connect(loop, NULL, t->address, &options));
}

static void descriptors_race_through_many_hands(world *w)
{
    probe server = {.then_data = echo_back};
    plx_conn_options options = probe_options(&server);
    talk t = {.wanted = 300};
    the_talk = &t;
    (void)listen_at(w, &options, t.address);
    for (int i = 0; i < 10; i++)
        talk_start(w->loop, &t);
    turn_until_counter(w, connections_closed, 600);
    ck_assert_uint_ge(t.done, 300);
    turn_until_counter(w, connections_closed, 2 * counter(w, connections_started));
}

static void nothing(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
}

static void nothing_watched(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                            uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

static void nothing_signalled(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)data;
    (void)number;
}

static void sent_nothing(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    (void)data;
    (void)status;
    ck_abort_msg("nothing was lent");
}

static void expect_stale(plx_loop *loop, uint64_t bits)
{
    const plx_conn conn = {bits};
    const plx_listener listener = {bits};
    const plx_timer timer = {bits};
    const plx_watch watch = {bits};
    const plx_signal signal = {bits};
    const plx_slice slice = {"x", 1};
    char text[PLX_ADDRESS_TEXT_MAX];
    ck_assert_int_eq(plx_conn_write(loop, conn, "x", 1), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_write(loop, conn, "", 0), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_send(loop, conn, "x", 1, sent_nothing, NULL), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_writev(loop, conn, &slice, 1), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_cork(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_uncork(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_shutdown(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_finish(loop, conn, 0), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_close(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_reset(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_is_high(loop, conn), 0);
    ck_assert_int_eq(plx_conn_pause(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_resume(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_set_data(loop, conn, text), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_peer(loop, conn, text, sizeof text), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_local(loop, conn, text, sizeof text), PLX_ESTALE);
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 0);
    ck_assert_uint_eq(plx_conn_unconsumed(loop, conn), 0);
    ck_assert_int_eq(plx_conn_is_open(loop, conn), 0);
    ck_assert_int_eq(plx_conn_set_timeout(loop, conn, PLX_TIMEOUT_IDLE, 1), PLX_ESTALE);
    ck_assert_ptr_null(plx_conn_data(loop, conn));
    ck_assert_int_eq(plx_listener_close(loop, listener), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_address(loop, listener, text, sizeof text), PLX_ESTALE);
    ck_assert_int_eq(plx_timer_restart(loop, timer, 0), PLX_ESTALE);
    ck_assert_int_eq(plx_timer_cancel(loop, timer), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_set(loop, watch, PLX_READABLE), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_close(loop, watch), PLX_ESTALE);
    ck_assert_int_eq(plx_signal_close(loop, signal), PLX_ESTALE);
}

typedef struct handles {
    plx_conn conn;
    plx_listener listener;
    plx_timer timer;
    plx_watch watch;
    plx_signal signal;
} handles;

/* One of each kind; `*foreign_out` is the socket under the watch. */
static handles one_of_each(world *w, plx_loop *loop, plx_socket *foreign_out)
{
    handles h;
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)w;
    ck_ok(plx_listen(loop, &h.listener, "tcp://127.0.0.1:0", NULL));
    ck_ok(plx_listener_address(loop, h.listener, address, sizeof address));
    ck_ok(plx_connect(loop, &h.conn, address, NULL));
    ck_ok(plx_timer_start(loop, &h.timer, PLX_SECOND, 0, nothing, NULL));
    ck_ok(net_open(foreign_out, PLX__FAMILY_IPV4));
    ck_ok(plx_watch_open(loop, &h.watch, *foreign_out, 0, nothing_watched, NULL));
    ck_ok(plx_signal_open(loop, &h.signal, PLX_SIGNAL_INTERRUPT, nothing_signalled, NULL));
    return h;
}

/* Every call, with a handle of every kind whose object is gone: PLX_ESTALE, and nothing else
 * happens. Before they are gone, the handles of one kind mean nothing in the calls of another. */
static void stale_handles_of_each_kind_in_each_call(world *w)
{
    plx_socket foreign;
    handles h = one_of_each(w, w->loop, &foreign);
    ck_assert_int_eq(plx_timer_cancel(w->loop, (plx_timer){h.conn.bits}), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_close(w->loop, (plx_conn){h.timer.bits}), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_close(w->loop, (plx_watch){h.listener.bits}), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_close(w->loop, (plx_listener){h.watch.bits}), PLX_ESTALE);
    ck_assert_int_eq(plx_signal_close(w->loop, (plx_signal){h.conn.bits}), PLX_ESTALE);
    ck_ok(plx_conn_close(w->loop, h.conn));
    ck_ok(plx_listener_close(w->loop, h.listener));
    ck_ok(plx_timer_cancel(w->loop, h.timer));
    ck_ok(plx_watch_close(w->loop, h.watch));
    ck_ok(plx_signal_close(w->loop, h.signal));
    const uint64_t all[] = {h.conn.bits, h.listener.bits, h.timer.bits, h.watch.bits, h.signal.bits,
                            0,           UINT64_MAX};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            expect_stale(w->loop, all[i]);
        turn_some(w); /* Then once more, when the slots are free. */
    }
    net_close(foreign);
}

/* Handles of another loop, which has the same slots in use, mean nothing here. */
static void foreign_handles_are_stale(world *w)
{
    plx_loop *other = world_loop_open(w);
    plx_socket here;
    plx_socket there;
    (void)one_of_each(w, w->loop, &here);
    handles h = one_of_each(w, other, &there);
    const uint64_t all[] = {h.conn.bits, h.listener.bits, h.timer.bits, h.watch.bits,
                            h.signal.bits};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        expect_stale(w->loop, all[i]);
    ck_ok(plx_loop_close(other));
    net_close(there);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    net_close(here);
}

static void count_cancelled(plx_loop *loop, void *data, int status)
{
    size_t *count = data;
    (void)loop;
    ck_assert_int_eq(status, PLX_ECANCELED);
    ++*count;
}

static void count_returned(plx_loop *loop, plx_conn conn, void *data, int status)
{
    size_t *count = data;
    (void)loop;
    (void)conn;
    ck_assert_int_eq(status, PLX_ECANCELED);
    ++*count;
}

static void open_in_on_close(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    (void)p;
    ck_assert_int_eq(plx_connect(loop, NULL, "tcp://127.0.0.1:1", NULL), PLX_ECANCELED);
    ck_assert_int_eq(plx_listen(loop, NULL, "tcp://127.0.0.1:0", NULL), PLX_ECANCELED);
    ck_assert_int_eq(plx_timer_start(loop, NULL, 0, 0, nothing, NULL), PLX_ECANCELED);
    ck_assert_int_eq(plx_loop_close(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run(loop), PLX_EBUSY);
}

/* A loop is closed with one of everything open, bytes queued, a buffer lent and a post waiting:
 * each on_close comes, what was lent comes back, the post is cancelled, and nothing leaks. */
static void loop_closes_with_everything_open(world *w)
{
    enum { SIZE = 4 << 20 };
    size_t cancelled = 0;
    size_t returned = 0;
    plx_socket foreign;
    probe p = {.then_close = open_in_on_close};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 2 * SIZE;
    peer client = connect_pair(w, &p, &options);
    (void)one_of_each(w, w->loop, &foreign);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), SIZE));
    ck_ok(plx_conn_send(w->loop, p.conn, plenty(), SIZE, count_returned, &returned));
    ck_ok(plx_post(w->loop, count_cancelled, &cancelled));
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ECANCELED);
    ck_assert_uint_eq(cancelled, 1);
    ck_assert_uint_eq(returned, 1);
    peer_close(&client);
    net_close(foreign);
}

const test_case behavior_close_cases[] = {
    CASE(close_from_on_open),
    CASE(close_from_on_data),
    CASE(close_from_on_data_drops_what_was_written),
    CASE(close_from_on_end),
    CASE(close_from_on_drain),
    CASE(close_from_on_close_is_stale),
    CASE(close_from_a_timer),
    CASE(reset_tells_the_peer),
    CASE(close_all_others_that_are_ready),
    CASE(slot_and_descriptor_are_reused),
    CASE(descriptors_race_through_many_hands),
    CASE(stale_handles_of_each_kind_in_each_call),
    CASE(foreign_handles_are_stale),
    CASE(loop_closes_with_everything_open),
    CASES_END,
};
