/* tests/behavior_idle.c - many that are idle, waited for by a second thread.
 *
 * Only the backend "poll" has one; what its users see must be the same on all. The loops here send
 * there at once whoever is idle.
 */
#include <string.h>

#include "platform/test_system.h"
#include "tests/configuration.h"
#include "tests/harness.h"

extern const test_case behavior_idle_cases[];

enum { MANY = 100 };

typedef struct crowd {
    probe probe;
    peer peers[MANY];
    plx_conn conns[MANY];
    size_t count;
    struct removal *removal; /* Where they go. */
} crowd;

static void crowd_note(plx_loop *loop, plx_conn conn, probe *p)
{
    crowd *c = p->more;
    (void)loop;
    ck_assert_uint_lt(c->count, MANY);
    c->conns[c->count++] = conn;
}

static bool has_second_thread(const world *w)
{
    return strcmp(w->backend, "poll") == 0;
}

/* Turns until so many are in the idle set; where there is none, turns some times. */
static void turn_until_idle(world *w, uint64_t wanted)
{
    if (has_second_thread(w))
        turn_until_backend_counter(w, "idle_set_sockets", wanted);
    else
        turn_some(w);
}

static void world_reopen_idle(world *w)
{
    world_reopen(w, configuration_all_idle((plx_loop_options){0}));
}

/* Another one. A socket under Wine's iocp can go to any but another of these
 * (behavior_transfer.c). */
static plx_loop *loop_open_idle(const world *w)
{
    plx_loop *loop;
    plx_loop_options options = world_options(w, configuration_all_idle((plx_loop_options){0}));
    if (strcmp(w->backend, "iocp") == 0 && plx__test_is_wine())
        options.backend = "select";
    ck_ok(plx_loop_open(&loop, &options));
    return loop;
}

/* So many connections. The peer and the connection of a number are each other's. */
static void crowd_connect(world *w, crowd *c, plx_conn_options options)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    world_reopen_idle(w);
    options.data = &c->probe;
    c->probe.more = c;
    c->probe.then_open = crowd_note;
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < MANY; i++) {
        c->peers[i] = peer_start(address);
        turn_until(w, &c->count, i + 1);
    }
}

/* So many that are all idle. */
static void crowd_open(world *w, crowd *c, plx_conn_options options)
{
    crowd_connect(w, c, options);
    turn_until_idle(w, MANY);
}

static void crowd_close(world *w, crowd *c)
{
    for (size_t i = 0; i < MANY; i++)
        peer_close(&c->peers[i]);
    turn_until(w, &c->probe.closed, MANY);
}

/* Whoever says something is heard, and is idle again after it. */
static void idle_ones_go_and_come_back(world *w)
{
    crowd c = {.probe = {.then_data = echo_back}};
    crowd_open(w, &c, probe_options(&c.probe));
    for (size_t i = 0; i < MANY; i++) {
        unsigned char sent = (unsigned char)i;
        unsigned char got = 0;
        peer_send(w, &c.peers[i], &sent, 1);
        peer_receive(w, &c.peers[i], &got, 1);
        ck_assert_uint_eq(got, sent);
    }
    turn_until_idle(w, MANY);
    if (has_second_thread(w)) {
        ck_assert_uint_ge(backend_counter(w, "idle_set_returned"), MANY);
        ck_assert_uint_ge(backend_counter(w, "idle_set_added"), 2 * MANY);
    }
    crowd_close(w, &c);
    ck_assert_uint_eq(backend_counter(w, "idle_set_sockets"), 0);
}

/* All of them at once, again and again. */
static void burst_wakes_all(world *w)
{
    crowd c = {.probe = {.then_data = echo_back}};
    crowd_open(w, &c, probe_options(&c.probe));
    for (size_t round = 0; round < 5; round++) {
        unsigned char sent = (unsigned char)round;
        for (size_t i = 0; i < MANY; i++)
            peer_send(w, &c.peers[i], &sent, 1);
        for (size_t i = 0; i < MANY; i++) {
            unsigned char got = 0;
            peer_receive(w, &c.peers[i], &got, 1);
            ck_assert_uint_eq(got, sent);
        }
        turn_until_idle(w, MANY);
    }
    ck_assert_uint_eq(c.probe.received, 5 * MANY);
    crowd_close(w, &c);
}

/* Closing from either side: nobody waits for the second thread, and the peer hears of it soon. */
static void idle_ones_are_closed(world *w)
{
    crowd c = {.probe = {0}};
    size_t dropped;
    crowd_open(w, &c, probe_options(&c.probe));
    for (size_t i = 0; i < MANY; i += 4)
        ck_ok(plx_conn_close(w->loop, c.conns[i]));
    for (size_t i = 1; i < MANY; i += 4)
        ck_ok(plx_conn_reset(w->loop, c.conns[i]));
    for (size_t i = 2; i < MANY; i += 4)
        peer_close(&c.peers[i]);
    for (size_t i = 3; i < MANY; i += 4)
        peer_reset(&c.peers[i]);
    for (size_t i = 0; i < MANY; i += 4) {
        ck_assert_int_eq(peer_drain(w, &c.peers[i], &dropped), PLX_EEOF);
        expect_reset(peer_drain(w, &c.peers[i + 1], &dropped));
    }
    turn_until(w, &c.probe.closed, MANY);
    crowd_close(w, &c);
    ck_assert_uint_eq(counter(w, connections_open), 0);
    ck_assert_uint_eq(backend_counter(w, "idle_set_sockets"), 0);
}

/* One that is not read from is not heard, and is when it is read from again. */
static void idle_one_is_paused(world *w)
{
    crowd c = {.probe = {0}};
    crowd_open(w, &c, probe_options(&c.probe));
    ck_ok(plx_conn_pause(w->loop, c.conns[7]));
    peer_send(w, &c.peers[7], "x", 1);
    turn_some(w);
    ck_assert_uint_eq(c.probe.shown, 0);
    ck_ok(plx_conn_resume(w->loop, c.conns[7]));
    turn_until(w, &c.probe.received, 1);
    ck_ok(plx_conn_pause(w->loop, c.conns[8]));
    ck_ok(plx_conn_resume(w->loop, c.conns[8]));
    turn_until_idle(w, MANY);
    peer_send(w, &c.peers[8], "x", 1);
    turn_until(w, &c.probe.received, 2);
    crowd_close(w, &c);
}

/* Half-closing one that is idle tells its peer at once, and its peer is still heard. */
static void idle_one_is_shut_down(world *w)
{
    crowd c = {.probe = {0}};
    size_t dropped;
    crowd_open(w, &c, probe_options(&c.probe));
    ck_ok(plx_conn_shutdown(w->loop, c.conns[3]));
    ck_assert_int_eq(peer_drain(w, &c.peers[3], &dropped), PLX_EEOF);
    turn_until_idle(w, MANY);
    peer_send(w, &c.peers[3], "x", 1);
    turn_until(w, &c.probe.received, 1);
    crowd_close(w, &c);
}

/* More than the system takes is written to one that is idle: it waits to write then, and is idle
 * again once its peer has read all. */
static void idle_one_is_written_to(world *w)
{
    enum { PIECE = 64 * 1024 };
    static unsigned char bytes[PIECE];
    crowd c = {.probe = {0}};
    size_t written = 0;
    plx_conn_options options = probe_options(&c.probe);
    options.send_max = (size_t)64 * PIECE;
    options.send_high = PIECE;
    crowd_open(w, &c, options);
    while (!plx_conn_is_high(w->loop, c.conns[5])) {
        pattern_fill(bytes, sizeof bytes, written);
        ck_ok(plx_conn_write(w->loop, c.conns[5], bytes, sizeof bytes));
        written += sizeof bytes;
    }
    for (size_t position = 0; position < written; position += sizeof bytes) {
        peer_receive(w, &c.peers[5], bytes, sizeof bytes);
        pattern_check(bytes, sizeof bytes, position);
    }
    turn_until(w, &c.probe.drained, 1);
    turn_until_idle(w, MANY);
    crowd_close(w, &c);
}

/* The timeout of those that are idle is kept by the loop, wherever they wait. */
static void idle_ones_time_out(world *w)
{
    crowd c = {.probe = {0}};
    plx_conn_options options = probe_options(&c.probe);
    options.idle_timeout_ns = PLX_SECOND;
    crowd_connect(w, &c, options); /* On a slow machine the first are over before the last come. */
    turn_until(w, &c.probe.closed, MANY);
    if (has_second_thread(w))
        ck_assert_uint_ge(backend_counter(w, "idle_set_added"), 1);
    ck_assert_int_eq(c.probe.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(counter(w, timeouts), MANY);
    crowd_close(w, &c);
}

/* A descriptor that is closed while it is waited for is soon another connection's, which must not
 * be taken for the one before. */
static void descriptors_come_back_as_others(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    world_reopen_idle(w);
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < 100; i++) {
        unsigned char sent = (unsigned char)i;
        unsigned char got = 0;
        peer client = peer_start(address);
        turn_until(w, &p.opened, i + 1);
        if (i % 2 == 0)
            turn_until_idle(w, 1);
        peer_send(w, &client, &sent, 1);
        peer_receive(w, &client, &got, 1);
        ck_assert_uint_eq(got, sent);
        turn_until_idle(w, 1);
        peer_send(w, &client, &sent, 1); /* May be seen by the second thread at this moment. */
        ck_ok(plx_conn_close(w->loop, p.conn));
        turn_until(w, &p.closed, i + 1);
        peer_close(&client);
    }
    ck_assert_uint_eq(counter(w, connections_open), 0);
}

/* Without a second thread the loop waits for all of them itself, and counts that. */
static void second_thread_cannot_start(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    world_reopen_idle(w);
    plx__fault_arm(PLX__FAULT_THREAD, 0, UINT32_MAX);
    (void)listen_at(w, &options, address);
    peer client = peer_start(address);
    turn_until(w, &p.opened, 1);
    for (size_t i = 0; i < 20; i++) {
        unsigned char got = 0;
        peer_send(w, &client, "x", 1);
        peer_receive(w, &client, &got, 1);
        turn_some(w);
    }
    ck_assert_uint_eq(backend_counter(w, "idle_set_sockets"), 0);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_THREAD),
                      backend_counter(w, "idle_set_failures"));
    if (has_second_thread(w)) {
        ck_assert_uint_ge(backend_counter(w, "idle_set_failures"), 1);
        turn_until_idle(w, 1); /* It is tried again. */
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Told never to, the loop starts none; told nothing, none for a few. */
static void few_need_no_second_thread(world *w)
{
    static const plx_setting unwanted[][3] = {
        {{"idle_set", PLX_OFF}, {"idle_set_min", 1}, {"idle_after_ns", 1}},
        {{"idle_set", PLX_ON}, {"idle_set_min", 3}, {"idle_after_ns", 1}},
    };
    for (size_t i = 0; i < 2; i++) {
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        world_reopen(w, (plx_loop_options){.settings = unwanted[i], .settings_count = 3});
        peer client = connect_pair(w, &p, &options);
        turn_some(w);
        ck_assert_uint_eq(backend_counter(w, "idle_set_added"), 0);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* When few are left, and they have come back, the second thread ends, and its memory goes. */
static void second_thread_ends_when_few_are_left(world *w)
{
    enum { SOME = 12, BOUND = SOME + 1, LEFT = 2 }; /* The listener and the wake count. */
    if (strcmp(w->backend, "poll") != 0)
        return;
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    peer clients[SOME];
    char address[PLX_ADDRESS_TEXT_MAX];
    static const plx_setting settings[] = {{"idle_set_min", BOUND}, {"idle_after_ns", 1}};
    world_reopen(w, (plx_loop_options){.settings = settings, .settings_count = 2});
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i + 1 < SOME; i++) {
        clients[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    turn_some(w);
    ck_assert_uint_eq(backend_counter(w, "idle_set_added"), 0);
    uint32_t before = plx__fault_held(PLX__FAULT_MEMORY);
    clients[SOME - 1] = peer_start(address);
    turn_until_backend_counter(w, "idle_set_added", SOME);
    ck_assert_uint_gt(plx__fault_held(PLX__FAULT_MEMORY), before);
    for (size_t i = LEFT; i < SOME; i++)
        peer_close(&clients[i]);
    turn_until(w, &p.closed, SOME - LEFT);
    for (size_t i = 0; i < LEFT; i++) {
        char answer;
        peer_send(w, &clients[i], "x", 1);
        peer_receive(w, &clients[i], &answer, 1);
    }
    uint64_t until = net_now() + patience();
    while (plx__fault_held(PLX__FAULT_MEMORY) > before) {
        ck_assert_msg(net_now() < until, "the idle set stays");
        turn(w);
    }
    for (size_t i = 0; i < LEFT; i++)
        peer_close(&clients[i]);
    turn_until(w, &p.closed, SOME);
}

typedef struct removal {
    probe probe; /* Of those that have moved. */
    plx_loop *to;
    size_t released;
} removal;

static void move(plx_loop *loop, plx_conn conn, void *data, plx_socket socket, const void *bytes,
                 size_t length)
{
    removal *r = ((crowd *)((probe *)data)->more)->removal;
    const plx_conn_options options = probe_options(&r->probe);
    (void)loop;
    (void)conn;
    ck_assert_uint_eq(length, 0);
    ck_ok(plx_conn_adopt(r->to, NULL, socket, &options, bytes, length));
    r->released++;
}

/* Half of them go to another loop, where they are idle again and are heard. */
static void idle_ones_are_handed_over(world *w)
{
    removal r = {.probe = {.then_data = echo_back}};
    crowd c = {.probe = {.then_data = echo_back}, .removal = &r};
    plx_conn_options options = probe_options(&c.probe);
    options.on_release = move;
    crowd_open(w, &c, options);
    plx_loop *from = w->loop;
    r.to = loop_open_idle(w);
    for (size_t i = 0; i < MANY; i += 2)
        ck_ok(plx_conn_release(from, c.conns[i]));
    turn_until(w, &r.released, MANY / 2);
    for (size_t i = 0; i < MANY; i++) {
        unsigned char sent = (unsigned char)i;
        unsigned char got = 0;
        w->loop = i % 2 == 0 ? r.to : from;
        if (i < 2)
            turn_until_idle(w, MANY / 2);
        peer_send(w, &c.peers[i], &sent, 1);
        peer_receive(w, &c.peers[i], &got, 1);
        ck_assert_uint_eq(got, sent);
    }
    ck_assert_uint_eq(r.probe.received, MANY / 2);
    ck_assert_uint_eq(c.probe.received, MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        peer_close(&c.peers[i]);
    w->loop = r.to;
    turn_until(w, &r.probe.closed, MANY / 2);
    w->loop = from;
    turn_until(w, &c.probe.closed, MANY / 2);
    ck_ok(plx_loop_close(r.to));
}

/* Closing the loop while all are in the idle set. */
static void loop_closes_over_idle_ones(world *w)
{
    crowd c = {.probe = {0}};
    size_t dropped;
    crowd_open(w, &c, probe_options(&c.probe));
    ck_ok(plx_loop_close(w->loop));
    w->loop = world_loop_open(w);
    ck_assert_uint_eq(c.probe.closed, MANY);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(peer_drain(w, &c.peers[i], &dropped), PLX_EEOF);
        peer_close(&c.peers[i]);
    }
}

const test_case behavior_idle_cases[] = {
    CASE(idle_ones_go_and_come_back),
    CASE(burst_wakes_all),
    CASE(idle_ones_are_closed),
    CASE(idle_one_is_paused),
    CASE(idle_one_is_shut_down),
    CASE(idle_one_is_written_to),
    CASE(idle_ones_time_out),
    CASE(descriptors_come_back_as_others),
    CASE(second_thread_cannot_start),
    CASE(few_need_no_second_thread),
    CASE(second_thread_ends_when_few_are_left),
    CASE(idle_ones_are_handed_over),
    CASE(loop_closes_over_idle_ones),
    CASES_END,
};
