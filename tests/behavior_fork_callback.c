/* tests/behavior_fork_callback.c - children that are forked in each of the callbacks.
 *
 * Where there is no fork() the cases end at once.
 */
#include <string.h>

#include "tests/child.h"

extern const test_case behavior_fork_callback_cases[];

/* What a child does whose fork was in a callback. The parent goes on. */
static void fork_here(plx_loop *loop, size_t *count)
{
    if (child_fork()) {
        plx_loop_abandon(loop);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    ++*count;
}

typedef struct forks {
    size_t open, data, sent, end, close, timer, watch, signal, post, release;
} forks;

static forks forked;

static void fork_on_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)conn;
    (void)data;
    fork_here(loop, &forked.open);
}

static void fork_on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)conn;
    (void)data;
    ck_ok(status);
    fork_here(loop, &forked.sent);
}

/* With something written, something lent, and something left to be shown again. */
static size_t fork_on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                           size_t length)
{
    (void)data;
    (void)bytes;
    if (length < 2)
        return 0;
    ck_ok(plx_conn_write(loop, conn, "ab", 2));
    fork_here(loop, &forked.data);
    ck_ok(plx_conn_send(loop, conn, "c", 1, fork_on_sent, NULL));
    return length;
}

static void fork_on_end(plx_loop *loop, plx_conn conn, void *data)
{
    (void)data;
    fork_here(loop, &forked.end);
    ck_ok(plx_conn_shutdown(loop, conn));
}

static void fork_on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)conn;
    (void)data;
    (void)reason;
    fork_here(loop, &forked.close);
}

static void fork_on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                            const void *bytes, size_t length)
{
    (void)conn;
    (void)data;
    (void)bytes;
    (void)length;
    fork_here(loop, &forked.release);
    plx_socket_close(socket);
}

static void fork_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)data;
    fork_here(loop, &forked.timer);
}

static void fork_on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                          uint32_t ready)
{
    (void)data;
    (void)socket;
    (void)ready;
    fork_here(loop, &forked.watch);
    ck_ok(plx_watch_close(loop, watch));
}

static void fork_on_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)data;
    (void)number;
    fork_here(loop, &forked.signal);
    ck_ok(plx_signal_close(loop, signal));
}

static void fork_on_post(plx_loop *loop, void *data, int status)
{
    (void)data;
    (void)status;
    fork_here(loop, &forked.post);
}

static void note_conn(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    *(plx_conn *)data = conn;
}

static void forks_of_connections(world *w, const char *address)
{
    char got[3];
    size_t dropped;
    peer client = peer_open(w, address);
    turn_until(w, &forked.open, 1);
    peer_send(w, &client, "1", 1);
    turn_some(w);
    peer_send(w, &client, "2", 1);
    peer_receive(w, &client, got, 3);
    ck_assert_int_eq(memcmp(got, "abc", 3), 0);
    turn_until(w, &forked.sent, 1);
    ck_assert_uint_eq(forked.data, 1);
    peer_shutdown(&client);
    ck_assert_int_eq(peer_drain(w, &client, &dropped), PLX_EEOF);
    turn_until(w, &forked.close, 1);
    ck_assert_uint_eq(forked.end, 1);
    peer_close(&client);
}

/* Wherever the parent's loop is, its child can drop it, and the parent's callback returns. */
static void child_drops_its_copy_in_a_callback(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn = {0};
    const plx_conn_options options = {.on_open = fork_on_open,
                                      .on_data = fork_on_data,
                                      .on_end = fork_on_end,
                                      .on_close = fork_on_close};
    const plx_conn_options leaving = {
        .on_open = note_conn, .on_release = fork_on_release, .data = &conn};
    if (!child_is_possible(w))
        return;
    memset(&forked, 0, sizeof forked);
    (void)listen_at(w, &options, address);
    forks_of_connections(w, address);
    couple c = couple_open();
    ck_ok(plx_watch_open(w->loop, NULL, c.ours.socket, PLX_WRITABLE, fork_on_ready, NULL));
    turn_until(w, &forked.watch, 1);
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, fork_on_timer, NULL));
    turn_until(w, &forked.timer, 1);
    ck_ok(plx_signal_open(w->loop, NULL, PLX_SIGNAL_USER2, fork_on_signal, NULL));
    ck_ok(plx__test_signal(PLX_SIGNAL_USER2));
    turn_until(w, &forked.signal, 1);
    ck_ok(plx_post(w->loop, fork_on_post, NULL));
    ck_ok(plx_post(w->loop, fork_on_post, NULL));
    turn_until(w, &forked.post, 2);
    (void)listen_at(w, &leaving, address);
    peer client = peer_open(w, address);
    while (conn.bits == 0)
        turn(w);
    ck_ok(plx_conn_release(w->loop, conn));
    turn_until(w, &forked.release, 1);
    peer_close(&client);
    /* In on_close while the loop closes, too. */
    (void)listen_at(w, &options, address);
    client = peer_open(w, address);
    turn_until(w, &forked.open, 2);
    ck_ok(plx_post(w->loop, fork_on_post, NULL));
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(forked.close, 2);
    ck_assert_uint_eq(forked.post, 3);
    peer_close(&client);
    couple_close(&c);
}

/* --- what has arrived and was not delivered --------------------------------------------------- */

/* Forks in the first on_open. The child drops its copy and lives until a byte comes. */
typedef struct burst {
    couple line;
    size_t opened;
} burst;

/* Receives one byte, or the end, without a loop. Nothing is asserted meanwhile: parent and child
 * write what they assert to the same file. */
static ptrdiff_t receive_one(peer *p)
{
    uint64_t until = net_now() + patience();
    ptrdiff_t got;
    char byte;
    while ((got = peer_try(p, &byte, 1)) == PLX_EAGAIN && net_now() < until)
        plx__thread_yield();
    return got;
}

static void fork_on_first_open(plx_loop *loop, plx_conn conn, void *data)
{
    burst *b = data;
    (void)conn;
    if (++b->opened > 1 || !child_fork())
        return;
    plx_loop_abandon(loop);
    plx__test_report(receive_one(&b->line.theirs) == 1 ? CHILD_IS_GOOD : CHILD_WAS_STRUCK);
}

/* Connections that had arrived at the fork, and that the loop had not delivered: the child drops
 * them too. So they end when the parent closes them, though the child lives on. */
static void child_drops_connections_that_were_not_delivered(world *w)
{
    enum { CLIENTS = 24 };
    char address[PLX_ADDRESS_TEXT_MAX];
    peer clients[CLIENTS];
    burst b = {.opened = 0};
    const plx_conn_options options = {.on_open = fork_on_first_open, .data = &b};
    if (!child_is_possible(w))
        return;
    (void)listen_at(w, &options, address);
    b.line = couple_open();
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = peer_start(address);
    turn_until(w, &b.opened, CLIENTS);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(receive_one(&clients[i]), 0);
    ck_assert_int_eq(net_send(b.line.ours.socket, "!", 1), 1);
    child_join();
    for (int i = 0; i < CLIENTS; i++)
        peer_close(&clients[i]);
    couple_close(&b.line);
}

const test_case behavior_fork_callback_cases[] = {
    CASE(child_drops_its_copy_in_a_callback),
    CASE(child_drops_connections_that_were_not_delivered),
    CASES_END,
};
