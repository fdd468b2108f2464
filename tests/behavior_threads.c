/* tests/behavior_threads.c - one loop, and more than one thread: never at once. */
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_threads_cases[];

/* loop.h: only this backend may refuse to be run by a second thread, with PLX_EBUSY. */
static bool may_be_bound(const world *w)
{
    return strcmp(w->backend, "uring") == 0;
}

/* Waits without turning any loop. */
static void receive_elsewhere(peer *p, void *bytes, size_t length)
{
    uint64_t until = net_now() + patience();
    for (size_t got = 0; got < length;) {
        ptrdiff_t piece = peer_try(p, (char *)bytes + got, length - got);
        ck_assert_msg(piece > 0 || piece == PLX_EAGAIN, "the peer's receive: %s",
                      plx_error_name((int)piece));
        ck_assert_uint_lt(net_now(), until);
        got += piece > 0 ? (size_t)piece : 0;
        if (piece < 0)
            plx__thread_yield();
    }
}

typedef struct runner {
    plx_loop *loop;
    plx__thread thread;
    int status;
} runner;

static void run_it(void *data)
{
    runner *r = data;
    r->status = plx_loop_run(r->loop);
}

static void turn_it(void *data)
{
    runner *r = data;
    r->status = plx_loop_run_once(r->loop, 0);
}

static void run_start(runner *r, plx_loop *loop)
{
    r->loop = loop;
    ck_ok(plx__thread_start(&r->thread, run_it, r));
}

static int run_end(runner *r)
{
    plx_loop_stop(r->loop);
    plx__thread_join(&r->thread);
    return r->status;
}

/* The loop, which another thread runs now, answers. */
static void expect_answer(peer *client, const char *question)
{
    char answer[8];
    size_t length = strlen(question);
    ck_assert_int_eq(net_send(client->socket, question, length), (ptrdiff_t)length);
    receive_elsewhere(client, answer, length);
    ck_assert_mem_eq(answer, question, length);
}

/* Opened here, with a listener; run by one thread after another, which have ended when the next one
 * begins; then here. Each serves the same connection. Where a second one is refused, that changes
 * nothing: the loop can be closed, and its connection has not been closed behind its back. */
static void loop_is_run_by_one_thread_after_another(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    runner r;
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    (void)listen_at(w, &options, address);
    peer client = peer_start(address);
    plx__address name;
    uint64_t until = net_now() + patience();
    while (net_peer(client.socket, &name) != 0)
        ck_assert_uint_lt(net_now(), until);
    run_start(&r, w->loop);
    expect_answer(&client, "first");
    ck_ok(run_end(&r));
    ck_ok(plx__thread_start(&r.thread, turn_it, &r));
    plx__thread_join(&r.thread);
    bool is_bound = may_be_bound(w) && r.status == PLX_EBUSY;
    if (!is_bound)
        ck_ok(r.status);
    for (int round = 0; round < 3 && !is_bound; round++) {
        run_start(&r, w->loop);
        expect_answer(&client, "next");
        ck_ok(run_end(&r));
    }
    if (is_bound) {
        ck_assert_uint_eq(p.closed, 0);
        ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_EBUSY);
    } else {
        peer_send(w, &client, "here", 4);
        char answer[4];
        peer_receive(w, &client, answer, 4);
    }
    ck_ok(plx_loop_close(w->loop));
    ck_assert_uint_eq(p.closed, 1);
    w->loop = NULL;
    peer_close(&client);
}

/* Until the end or a reset; no loop turns any more. */
static void expect_end(peer *p)
{
    static char bytes[65536]; /* One at a time, megabytes take long. */
    uint64_t until = net_now() + patience();
    ptrdiff_t got;
    while ((got = peer_try(p, bytes, sizeof bytes)) == PLX_EAGAIN || got > 0) {
        ck_assert_uint_lt(net_now(), until);
        plx__thread_yield();
    }
}

typedef struct closer {
    plx_loop *loop;
    int status;
} closer;

static void close_it(void *data)
{
    closer *c = data;
    c->status = plx_loop_close(c->loop);
}

/* A loop that one thread has run is closed by another, which never ran it, with connections open,
 * bytes queued and a listener: when that returns, all of them are closed, the peers see the end,
 * and the address is free. The thread that ran it has ended, or has not. */
static void loop_is_closed_by_another_thread(world *w)
{
    for (int way = 0; way < 2; way++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        probe p = {.then_data = echo_back};
        probe q = {0};
        plx_conn_options options = probe_options(&p);
        plx_conn_options q_options = probe_options(&q);
        q_options.send_high = q_options.send_max = PLENTY;
        world_reopen(w, (plx_loop_options){.keep_running = 1});
        runner r;
        closer c = {.status = 1};
        peer reader = {PLX_SOCKET_NONE};
        if (way == 0) { /* Run by this thread, closed by another. */
            (void)listen_at(w, &options, address);
            reader = connect_pair(w, &q, &q_options);
            ck_ok(plx_conn_write(w->loop, q.conn, plenty(), PLENTY));
        } else { /* Run by another thread, closed by this one. */
            (void)listen_at(w, &options, address);
            run_start(&r, w->loop);
        }
        peer client = way == 0 ? peer_open(w, address) : peer_start(address);
        uint64_t until = net_now() + patience();
        plx__address name;
        while (net_peer(client.socket, &name) != 0)
            ck_assert_uint_lt(net_now(), until);
        if (way == 0) {
            plx__thread thread;
            turn_until(w, &p.opened, 1);
            c.loop = w->loop;
            ck_ok(plx__thread_start(&thread, close_it, &c));
            plx__thread_join(&thread);
            ck_ok(c.status);
            ck_assert_uint_eq(q.closed, 1);
            expect_end(&reader);
        } else {
            expect_answer(&client, "hello");
            ck_ok(run_end(&r));
            ck_ok(plx_loop_close(w->loop));
        }
        ck_assert_uint_eq(p.closed, 1);
        expect_end(&client);
        peer_close(&client);
        peer_close(&reader);
        w->loop = world_loop_open(w);
        plx_listener again;
        ck_ok(plx_listen(w->loop, &again, address, NULL));
    }
}

const test_case behavior_threads_cases[] = {
    CASE(loop_is_run_by_one_thread_after_another),
    CASE(loop_is_closed_by_another_thread),
    CASES_END,
};
