/* tests/behavior_cork.c - plx_conn_cork(): what is written between two calls goes out together. */
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_cork_cases[];

static void peer_expect_pattern(world *w, peer *client, size_t length)
{
    static unsigned char got[65536];
    for (size_t done = 0; done < length;) {
        size_t some = length - done < sizeof got ? length - done : sizeof got;
        peer_receive(w, client, got, some);
        pattern_check(got, some, done);
        done += some;
    }
}

/* A connection whose queue holds much; the bytes are the pattern's. */
static peer connect_roomy(world *w, probe *p)
{
    plx_conn_options options = probe_options(p);
    options.send_max = 2 * (size_t)PLENTY;
    pattern_fill(plenty(), PLENTY, 0);
    return connect_pair(w, p, &options);
}

static void close_both(world *w, probe *p, peer *client)
{
    peer_close(client);
    turn_until(w, &p->closed, 1);
}

/* A callback that is none of the connection's own. */
typedef struct script {
    void (*play)(plx_loop *loop, plx_conn conn);
    plx_conn conn;
    size_t played;
} script;

static void on_script(plx_loop *loop, plx_timer timer, void *data)
{
    script *s = data;
    (void)timer;
    s->play(loop, s->conn);
    s->played++;
}

static void play(world *w, const probe *p, void (*what)(plx_loop *loop, plx_conn conn))
{
    script s = {.play = what, .conn = p->conn};
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, on_script, &s));
    turn_until(w, &s.played, 1);
}

static uint64_t sends_of(plx_loop *loop)
{
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    return stats.sends;
}

static size_t returned;

static void on_returned(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    (void)data;
    ck_ok(status);
    returned++;
}

static void write_all_kinds(plx_loop *loop, plx_conn conn)
{
    const plx_slice slices[] = {{"d", 1}, {"ef", 2}};
    uint64_t before = sends_of(loop);
    ck_ok(plx_conn_cork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "a", 1));
    ck_ok(plx_conn_write(loop, conn, "bc", 2));
    ck_ok(plx_conn_writev(loop, conn, slices, 2));
    ck_ok(plx_conn_send(loop, conn, "ghi", 3, on_returned, NULL));
    ck_ok(plx_conn_write(loop, conn, "j", 1));
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 10);
    ck_assert_uint_eq(sends_of(loop), before);
    ck_ok(plx_conn_uncork(loop, conn));
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 0);
    ck_assert_uint_eq(sends_of(loop), before + 1);
}

static void cork_gathers_what_a_timer_writes(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char got[10];
    peer client = connect_pair(w, &p, &options);
    uint64_t before = counter(w, completions);
    returned = 0;
    for (size_t i = 1; i <= 2; i++) {
        play(w, &p, write_all_kinds);
        peer_receive(w, &client, got, sizeof got);
        ck_assert_mem_eq(got, "abcdefghij", 10);
        turn_until(w, &returned, i);
    }
    turn_some(w);
    ck_assert_uint_eq(counter(w, completions), before); /* Nothing had to wait for room. */
    close_both(w, &p, &client);
}

static void cork_twice(plx_loop *loop, plx_conn conn)
{
    uint64_t before = sends_of(loop);
    ck_ok(plx_conn_cork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "a", 1));
    ck_ok(plx_conn_cork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "b", 1));
    ck_ok(plx_conn_uncork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "c", 1));
    ck_assert_uint_eq(sends_of(loop), before);
    ck_ok(plx_conn_uncork(loop, conn));
    ck_assert_uint_eq(sends_of(loop), before + 1);
    ck_assert_int_eq(plx_conn_uncork(loop, conn), PLX_EINVAL);
    ck_ok(plx_conn_cork(loop, conn)); /* Around nothing. */
    ck_ok(plx_conn_uncork(loop, conn));
    ck_assert_uint_eq(sends_of(loop), before + 1);
    ck_ok(plx_conn_write(loop, conn, "d", 1));
    ck_assert_uint_eq(sends_of(loop), before + 2);
}

static void corks_nest(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char got[4];
    peer client = connect_pair(w, &p, &options);
    ck_assert_int_eq(plx_conn_uncork(w->loop, p.conn), PLX_EINVAL);
    play(w, &p, cork_twice);
    peer_receive(w, &client, got, sizeof got);
    ck_assert_mem_eq(got, "abcd", 4);
    for (int i = 0; i < 255; i++)
        ck_ok(plx_conn_cork(w->loop, p.conn));
    ck_assert_int_eq(plx_conn_cork(w->loop, p.conn), PLX_ELIMIT);
    turn(w);
    ck_assert_int_eq(plx_conn_uncork(w->loop, p.conn), PLX_EINVAL);
    close_both(w, &p, &client);
}

static void cork_and_forget(plx_loop *loop, plx_conn conn)
{
    ck_ok(plx_conn_cork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "forgot", 6));
    ck_ok(plx_conn_write(loop, conn, "ten", 3));
}

/* The end of the turn ends it; between turns, that of the next one. */
static void cork_that_is_forgotten_ends_with_the_turn(world *w)
{
    for (int way = 0; way < 2; way++) {
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        char got[9];
        peer client = connect_pair(w, &p, &options);
        uint64_t before = counter(w, sends);
        if (way == 0) {
            play(w, &p, cork_and_forget);
        } else {
            cork_and_forget(w->loop, p.conn);
            ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 9);
            turn(w);
        }
        ck_assert_uint_eq(counter(w, sends), before + 1);
        ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
        ck_assert_int_eq(plx_conn_uncork(w->loop, p.conn), PLX_EINVAL);
        peer_receive(w, &client, got, sizeof got);
        ck_assert_mem_eq(got, "forgotten", 9);
        close_both(w, &p, &client);
    }
}

static size_t cork_and_answer(plx_loop *loop, plx_conn conn, probe *p, const void *at,
                              size_t length)
{
    (void)p;
    (void)at;
    ck_ok(plx_conn_write(loop, conn, "2", 1));
    ck_ok(plx_conn_cork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "34", 2));
    ck_ok(plx_conn_uncork(loop, conn));
    ck_ok(plx_conn_cork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, plenty(), 20000));
    ck_ok(plx_conn_write(loop, conn, "56", 2));
    ck_ok(plx_conn_uncork(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "7", 1));
    return length;
}

/* With what a callback of the connection writes, and with what was gathered before, everything
 * keeps its order. */
static void cork_in_a_callback_of_the_connection(world *w)
{
    for (int way = 0; way < 2; way++) {
        probe p = {.then_data = cork_and_answer};
        char got[4];
        peer client = connect_roomy(w, &p);
        peer_send(w, &client, "?", 1);
        if (way == 1) {
            ck_ok(plx_conn_cork(w->loop, p.conn));
            ck_ok(plx_conn_write(w->loop, p.conn, "1", 1));
            peer_receive(w, &client, got, 1);
            ck_assert_mem_eq(got, "1", 1);
        }
        peer_receive(w, &client, got, 3);
        ck_assert_mem_eq(got, "234", 3);
        peer_expect_pattern(w, &client, 20000);
        peer_receive(w, &client, got, 3);
        ck_assert_mem_eq(got, "567", 3);
        close_both(w, &p, &client);
    }
}

/* --- corks and limits --------------------------------------------------------------------------
 */

/* Beyond the high watermark what is gathered goes, and only what the system does not take counts as
 * waiting. */
static void cork_keeps_the_watermarks_exact(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = 1000;
    options.send_max = PLENTY;
    pattern_fill(plenty(), PLENTY, 0);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_cork(w->loop, p.conn));
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), 600));
    ck_ok(plx_conn_write(w->loop, p.conn, plenty() + 600, 400));
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 1000);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty() + 1000, 1));
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
    ck_assert_uint_eq(counter(w, sends), 1);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty() + 1001, 100)); /* The queue grows. */
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 100);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty() + 1101, PLENTY - 1101));
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 1);
    ck_ok(plx_conn_uncork(w->loop, p.conn));
    ck_assert_uint_eq(counter(w, read_pauses), 1);
    turn_some(w);
    ck_assert_uint_eq(p.drained, 0);
    peer_expect_pattern(w, &client, PLENTY);
    turn_until(w, &p.drained, 1);
    close_both(w, &p, &client);
}

/* A write for which there is no room sends what is gathered first. `way` 0: in the queue, 1: in
 * those of the loop. */
static void cork_makes_room_for_a_write(world *w)
{
    for (int way = 0; way < 2; way++) {
        world_reopen(w, (plx_loop_options){.queued_bytes_max = way == 1 ? 1000 : 0});
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        pattern_fill(plenty(), PLENTY, 0);
        if (way == 0)
            options.send_high = options.send_max = 1000;
        peer client = connect_pair(w, &p, &options);
        ck_ok(plx_conn_cork(w->loop, p.conn));
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), 900));
        ck_ok(plx_conn_write(w->loop, p.conn, plenty() + 900, 101));
        ck_assert_uint_eq(counter(w, sends), 1);
        ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 101);
        ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), 1001), PLX_EMSGSIZE);
        ck_ok(plx_conn_uncork(w->loop, p.conn));
        ck_assert_uint_eq(counter(w, sends), 2);
        ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
        peer_expect_pattern(w, &client, 1001);
        close_both(w, &p, &client);
        ck_assert_uint_eq(p.drained, 0);
    }
}

/* Where all queues of the loop are full a corked write is refused as any other, and on_drain tells
 * when there is room: not from within a call, and with nothing lost of what is gathered. */
static void cork_while_the_loop_has_no_room(world *w)
{
    enum { ROOM = 8 << 20 };
    probe full = {0};
    probe p = {0};
    char got[1];
    world_reopen(w, (plx_loop_options){.queued_bytes_max = ROOM});
    plx_conn_options options = probe_options(&full);
    options.send_max = options.send_high = PLENTY;
    peer reader = connect_pair(w, &full, &options);
    options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    conn_fill(w, full.conn, ROOM, 10);
    size_t left = (size_t)(ROOM - counter(w, queued_bytes));
    ck_assert_uint_lt(left, 10);
    ck_ok(plx_conn_cork(w->loop, p.conn));
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), left + 1), PLX_ENOBUFS);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 1);
    if (left > 0)
        ck_ok(plx_conn_write(w->loop, p.conn, "x", 1));
    ck_ok(plx_conn_uncork(w->loop, p.conn));
    ck_assert_uint_eq(p.drained, 0);
    if (left > 0)
        peer_receive(w, &client, got, 1);
    peer_receive(w, &reader, plenty(), ROOM);
    turn_until(w, &p.drained, 1);
    ck_ok(plx_conn_close(w->loop, full.conn));
    turn_until(w, &full.closed, 1);
    peer_close(&reader);
    close_both(w, &p, &client);
}

static void uncork_late(plx_loop *loop, plx_timer timer, void *data)
{
    const probe *corked = data;
    (void)timer;
    ck_ok(plx_conn_uncork(loop, corked->conn));
}

/* Whether the cork is not forgotten, but taken off in the next turn. */
static bool is_uncorked_late;

/* A callback of the deferred step, in which another connection gives its room in the queues back
 * behind it. */
static void cork_in_on_close(plx_loop *loop, plx_conn conn, probe *p)
{
    const probe *corked = p->more;
    (void)conn;
    ck_ok(plx_conn_cork(loop, corked->conn));
    ck_assert_int_eq(plx_conn_write(loop, corked->conn, plenty(), 11), PLX_ENOBUFS);
    ck_ok(plx_conn_write(loop, corked->conn, plenty(), 5));
    if (is_uncorked_late)
        ck_ok(plx_timer_start(loop, NULL, 0, 0, uncork_late, p->more));
}

/* Room that comes while a forgotten cork still gathers is told of when it ends. */
static void cork_that_is_forgotten_does_not_lose_on_drain(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    probe p = {0};
    probe closing = {.then_close = cork_in_on_close, .more = &p};
    probe full = {0};
    char got[5];
    plx_conn first;
    plx_conn second;
    world_reopen(w, (plx_loop_options){.queued_bytes_max = 1000});
    plx_conn_options options = probe_options(&p);
    options.send_low = 1;
    peer client = connect_pair(w, &p, &options);
    options = probe_options(&closing);
    ck_ok(plx_connect(w->loop, &first, address, &options));
    options = probe_options(&full);
    ck_ok(plx_connect(w->loop, &second, address, &options));
    ck_ok(plx_conn_write(w->loop, second, plenty(), 990));
    ck_ok(plx_conn_close(w->loop, first));
    ck_ok(plx_conn_close(w->loop, second));
    turn_until(w, &full.closed, 1);
    turn_until(w, &p.drained, 1);
    peer_receive(w, &client, got, sizeof got);
    close_both(w, &p, &client);
    net_close(listener);
}

/* So it is when the cork is taken off in a later callback. */
static void cork_that_is_taken_off_late_does_not_lose_on_drain(world *w)
{
    is_uncorked_late = true;
    cork_that_is_forgotten_does_not_lose_on_drain(w);
}

/* Behind bytes that wait already, a cork has no effect. */
static void cork_behind_bytes_that_wait(world *w)
{
    probe p = {0};
    peer client = connect_roomy(w, &p);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY - 10));
    ck_ok(plx_conn_cork(w->loop, p.conn));
    ck_ok(plx_conn_write(w->loop, p.conn, plenty() + PLENTY - 10, 10));
    ck_ok(plx_conn_uncork(w->loop, p.conn));
    ck_ok(plx_conn_cork(w->loop, p.conn));
    peer_expect_pattern(w, &client, PLENTY);
    close_both(w, &p, &client);
}

/* --- corks and ends ----------------------------------------------------------------------------
 */

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket, const void *at,
                       size_t length)
{
    (void)loop;
    (void)conn;
    (void)at;
    ck_assert_uint_eq(length, 0);
    ((probe *)data)->closed++;
    plx_socket_close(socket);
}

/* The end stands behind what is gathered: that of the sending side, of a finish, and a release; if
 * the uncork is forgotten, too. A close drops it. */
static void cork_and_the_end(world *w)
{
    for (int way = 0; way < 8; way++) {
        probe p = {0};
        size_t count;
        plx_conn_options options = probe_options(&p);
        options.on_release = on_release;
        peer client = connect_pair(w, &p, &options);
        ck_ok(plx_conn_cork(w->loop, p.conn));
        ck_ok(plx_conn_write(w->loop, p.conn, "the end", 7));
        if (way / 2 == 0)
            ck_ok(plx_conn_shutdown(w->loop, p.conn));
        else if (way / 2 == 1)
            ck_ok(plx_conn_finish(w->loop, p.conn, 0));
        else if (way / 2 == 2)
            ck_ok(plx_conn_release(w->loop, p.conn));
        else
            ck_ok(plx_conn_close(w->loop, p.conn));
        ck_assert_int_eq(plx_conn_write(w->loop, p.conn, "x", 1),
                         way / 2 == 3 ? PLX_ESTALE : PLX_EPIPE);
        if (way % 2 == 0)
            ck_assert_int_eq(plx_conn_uncork(w->loop, p.conn), way / 2 == 3 ? PLX_ESTALE : 0);
        ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
        ck_assert_uint_eq(count, way / 2 == 3 ? 0 : 7);
        close_both(w, &p, &client);
        ck_assert_uint_eq(counter(w, queued_bytes), 0);
    }
}

/* Of a connection that is not open yet, everything goes out when it is. */
static void cork_before_the_connection_is_open(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe server = {0};
    probe p = {0};
    plx_conn conn;
    plx_conn_options options = probe_options(&server);
    (void)listen_at(w, &options, address);
    options = probe_options(&p);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_ok(plx_conn_cork(w->loop, conn));
    ck_ok(plx_conn_write(w->loop, conn, "ear", 3));
    ck_ok(plx_conn_write(w->loop, conn, "ly", 2));
    ck_ok(plx_conn_uncork(w->loop, conn));
    turn_until(w, &server.received, 5);
    ck_assert_mem_eq(server.bytes, "early", 5);
    ck_assert_uint_eq(counter(w, sends), 1);
    ck_ok(plx_conn_close(w->loop, conn));
    ck_assert_int_eq(plx_conn_cork(w->loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_uncork(w->loop, conn), PLX_ESTALE);
    turn_until(w, &p.closed, 1);
    turn_until(w, &server.closed, 1);
}

/* The same of one that is connected, and of which the user does not know that yet. */
static void cork_before_an_adopted_connection_is_open(world *w)
{
    probe p = {0};
    char got[5];
    plx_conn conn;
    couple c = couple_open();
    plx_conn_options options = probe_options(&p);
    net_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, &conn, c.ours.socket, &options, NULL, 0));
    ck_ok(plx_conn_cork(w->loop, conn));
    ck_ok(plx_conn_write(w->loop, conn, "early", 5));
    ck_ok(plx_conn_uncork(w->loop, conn));
    ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 5);
    peer_receive(w, &c.theirs, got, 5);
    ck_assert_mem_eq(got, "early", 5);
    ck_assert_uint_eq(p.opened, 1);
    close_both(w, &p, &c.theirs);
}

/* A write for which there is no room meets the failure of what is gathered. */
static void cork_that_fails_to_make_room(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 1000;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_cork(w->loop, p.conn));
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), 900));
    plx__fault_arm(PLX__FAULT_SEND, 0, 1);
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), 101), PLX_ESTALE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND), 1);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ENOMEM);
    ck_assert_uint_eq(counter(w, read_pauses), 0);
    peer_close(&client);
}

/* A send that fails at the uncork is told by on_close, and later; one for which the system lacks
 * memory is tried again. */
static void cork_whose_send_fails(world *w)
{
    for (int way = 0; way < 4; way++) {
        const bool is_later = way >= 2;
        probe p = {0};
        char got[1];
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        plx__fault_arm(is_later ? PLX__FAULT_SEND_LATER : PLX__FAULT_SEND, 0, 1);
        ck_ok(plx_conn_cork(w->loop, p.conn));
        ck_ok(plx_conn_write(w->loop, p.conn, "x", 1));
        if (way % 2 == 0)
            ck_ok(plx_conn_uncork(w->loop, p.conn));
        ck_assert_uint_eq(p.closed, 0);
        if (is_later)
            peer_receive(w, &client, got, 1);
        else
            turn_until(w, &p.closed, 1);
        ck_assert_uint_eq(plx__fault_disarm(is_later ? PLX__FAULT_SEND_LATER : PLX__FAULT_SEND), 1);
        ck_assert_int_eq(p.reason, is_later ? 0 : PLX_ENOMEM);
        close_both(w, &p, &client);
    }
}

const test_case behavior_cork_cases[] = {
    CASE(cork_gathers_what_a_timer_writes),
    CASE(corks_nest),
    CASE(cork_that_is_forgotten_ends_with_the_turn),
    CASE(cork_in_a_callback_of_the_connection),
    CASE(cork_keeps_the_watermarks_exact),
    CASE(cork_makes_room_for_a_write),
    CASE(cork_while_the_loop_has_no_room),
    CASE(cork_that_is_forgotten_does_not_lose_on_drain),
    CASE(cork_that_is_taken_off_late_does_not_lose_on_drain),
    CASE(cork_behind_bytes_that_wait),
    CASE(cork_and_the_end),
    CASE(cork_before_the_connection_is_open),
    CASE(cork_before_an_adopted_connection_is_open),
    CASE(cork_that_fails_to_make_room),
    CASE(cork_whose_send_fails),
    CASES_END,
};
