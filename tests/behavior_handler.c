/* tests/behavior_handler.c - servers whose connections are calls of on_socket, by threads that
 * wait.
 *
 * The handlers echo what comes, one line a time; "q" ends the connection, "x" has it reset.
 */
#include <string.h>

#include "tests/hosted.h"

extern const test_case behavior_handler_cases[];

static void add(plx__atomic_u32 *counter, uint32_t value)
{
    (void)plx__atomic_add(counter, value);
}

/* Returns whether all of it has been sent. */
static bool line_echo(hosted_loop *l, plx_socket socket, const void *bytes, size_t length)
{
    add(&l->received, (uint32_t)length);
    return plx__socket_send(socket, bytes, length) == (ptrdiff_t)length;
}

static int on_socket(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                     void *data)
{
    hosted *h = data;
    hosted_loop *l = &h->loops[0];
    char line[64];
    add(&l->opened, 1);
    add(&l->strays, plx_server_close(server) != PLX_EBUSY);
    ptrdiff_t count = 1;
    if (length > 0)
        count = line_echo(l, socket, bytes, length);
    while (count > 0 && (count = plx__socket_receive(socket, line, sizeof line)) > 0) {
        if (!line_echo(l, socket, line, (size_t)count) || line[0] == 'q' || line[0] == 'x' ||
            plx_server_is_ending(server))
            break;
    }
    add(&l->closed, 1);
    return count > 0 && line[0] == 'x' ? PLX_EINVAL : 0;
}

/* False where sockets are simulated: no thread can wait for one, and the server refuses. */
static bool handlers_open(world *w, hosted *h, uint32_t handlers)
{
    const plx_server_options options = {
        .dispatch = PLX_DISPATCH_THREAD, .on_socket = on_socket, .handlers = handlers};
    if (net_is_sim()) {
        ck_assert_int_eq(hosted_try(w, h, options, (plx_loop_options){0}), PLX_EINVAL);
        ck_assert_ptr_null(h->server);
        return false;
    }
    hosted_open(w, h, options, (plx_loop_options){0});
    return true;
}

/* The same, and it runs; `count` peers are being served. */
static bool handlers_serve(world *w, hosted *h, uint32_t handlers, peer *peers, size_t count)
{
    if (!handlers_open(w, h, handlers))
        return false;
    hosted_run(h);
    hosted_peers_open(w, h, peers, count);
    return true;
}

static plx_server_stats stats_of(hosted *h)
{
    plx_server_stats stats;
    plx_server_stats_get(h->server, &stats);
    return stats;
}

/* Three clients talk in turns, and none waits for another. */
static void each_connection_has_a_thread(world *w)
{
    hosted h = {0};
    peer peers[3];
    if (!handlers_serve(w, &h, 3, peers, 3))
        return;
    for (size_t i = 3; i-- > 0;)
        hosted_ask(w, &peers[i], "first");
    for (size_t i = 0; i < 3; i++)
        hosted_ask(w, &peers[i], "again");
    ck_assert_uint_eq(hosted_count(&h, received), 6 * 5);
    ck_assert_uint_eq(stats_of(&h).handed_over, 3);
    hosted_peers_close(peers, 3);
    hosted_until(w, &h, closed, 3);
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, started), 1);
    ck_assert_uint_eq(hosted_count(&h, ended), 1);
}

/* The third is accepted, and served when one of the first two has gone. */
static void later_ones_wait_for_a_thread(world *w)
{
    hosted h = {0};
    peer peers[3];
    if (!handlers_serve(w, &h, 2, peers, 2))
        return;
    peers[2] = peer_open(w, h.address);
    peer_send(w, &peers[2], "wait", 4);
    hosted_ask(w, &peers[0], "busy");
    ck_assert_uint_eq(hosted_count(&h, opened), 2);
    peer_close(&peers[1]);
    char answer[4];
    peer_receive(w, &peers[2], answer, 4);
    ck_assert_mem_eq(answer, "wait", 4);
    peer_close(&peers[0]);
    peer_close(&peers[2]);
    hosted_until(w, &h, closed, 3);
    hosted_close(w, &h);
}

/* Waits until the server's loop has run enough turns to accept everybody in the backlog. */
static void turns_pass(world *w, hosted *h)
{
    for (int i = 0; i < 12; i++)
        (void)hosted_total(w, h);
}

/* Waits until no timer of the server fires any more. */
static void until_rest(world *w, hosted *h)
{
    const uint64_t until = net_now() + patience();
    uint64_t fired, before;
    do {
        before = hosted_total(w, h).timers_fired;
        turn_for(w, 20 * PLX_MILLISECOND);
        fired = hosted_total(w, h).timers_fired;
        ck_assert_uint_lt(net_now(), until);
    } while (fired != before);
}

/* One thread and many clients, more than any backend accepts ahead: accepting pauses on both
 * listeners, so that the last ones wait in the system's queue, and all are answered in the end. */
static void clients_fill_and_wait(world *w, uint32_t listener)
{
    enum { FIRST = 3, CLIENTS = 40 };
    hosted h = {0};
    peer peers[CLIENTS];
    char address[PLX_ADDRESS_TEXT_MAX], answer[4];
    if (!handlers_open(w, &h, 1))
        return;
    ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0}));
    ck_ok(plx_server_address(h.server, listener, address, sizeof address));
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 1);
    for (size_t i = 1; i < FIRST; i++)
        peers[i] = peer_open(w, h.address);
    hosted_until_full(w, &h);
    turns_pass(w, &h);
    ck_assert_uint_eq(stats_of(&h).accept_pauses, 1);
    for (size_t i = FIRST; i < CLIENTS; i++)
        peers[i] = peer_open(w, address);
    turns_pass(w, &h);
    ck_assert_uint_lt(stats_of(&h).handed_over, CLIENTS - FIRST);
    for (size_t i = 0; i < CLIENTS; i++)
        peer_send(w, &peers[i], "quit", 4); /* The server answers them in any order. */
    for (size_t i = 0; i < CLIENTS; i++) {
        peer_receive(w, &peers[i], answer, 4);
        peer_close(&peers[i]);
    }
    hosted_until(w, &h, closed, CLIENTS);
    ck_assert_uint_eq(stats_of(&h).refused, 0);
    until_rest(w, &h);
    hosted_close(w, &h);
}

static void full_server_pauses_and_continues(world *w)
{
    clients_fill_and_wait(w, 0);
    clients_fill_and_wait(w, 1);
}

static void handler_ends_the_connection(world *w)
{
    hosted h = {0};
    peer peers[2];
    size_t count;
    if (!handlers_serve(w, &h, 2, peers, 2))
        return;
    peer_send(w, &peers[0], "quit", 4);
    ck_assert_int_eq(peer_drain(w, &peers[0], &count), PLX_EEOF);
    ck_assert_uint_eq(count, 4);
    peer_send(w, &peers[1], "x", 1);
    /* A reset may overtake what was sent before it. */
    expect_reset(peer_drain(w, &peers[1], &count));
    hosted_peers_close(peers, 2);
    hosted_close(w, &h);
}

/* Two threads wait for clients that say nothing, and a third connection waits for them. */
static void stopped_server_ends_threads_that_wait(world *w)
{
    hosted h = {0};
    peer peers[3];
    size_t count;
    if (!handlers_serve(w, &h, 2, peers, 2))
        return;
    peers[2] = peer_open(w, h.address);
    hosted_close(w, &h);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_ne(peer_drain(w, &peers[i], &count), 0);
    hosted_peers_close(peers, 3);
}

/* One client is answered before its connection ends, a silent one is cut at the deadline. Two more
 * threads have nobody, and are not counted. */
static void drain_lets_handlers_end(world *w)
{
    hosted h = {0};
    peer peers[2];
    size_t count;
    if (!handlers_serve(w, &h, 4, peers, 2))
        return;
    ck_ok(plx_server_drain(h.server, 200 * PLX_MILLISECOND));
    ck_assert_int_eq(plx_server_is_ending(h.server), 1);
    peer_send(w, &peers[0], "last", 4);
    ck_assert_int_eq(peer_drain(w, &peers[0], &count), PLX_EEOF);
    ck_assert_uint_eq(count, 4);
    ck_assert_int_ne(peer_drain(w, &peers[1], &count), 0);
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_ge(stats_of(&h).connections_cut, 1);
    ck_assert_uint_le(stats_of(&h).connections_cut, 2); /* The first may have been late. */
    hosted_peers_close(peers, 2);
    hosted_close(w, &h);
}

static bool both_accepted(void *data)
{
    return stats_of(data).handed_over == 2;
}

/* Without a deadline: the server is over when the last connection is. */
static void drain_waits_for_handlers(world *w)
{
    hosted h = {0};
    peer peers[2];
    if (!handlers_serve(w, &h, 1, peers, 1))
        return;
    peers[1] = peer_open(w, h.address);
    turn_until_true(w, both_accepted, &h);
    ck_ok(plx_server_drain(h.server, PLX_FOREVER));
    for (size_t i = 0; i < 2; i++) {
        hosted_ask(w, &peers[i], "answer me");
        peer_close(&peers[i]);
    }
    ck_ok(hosted_wait(w, &h));
    ck_assert_uint_eq(stats_of(&h).connections_cut, 0);
    ck_assert_uint_eq(hosted_count(&h, closed), 2);
    hosted_close(w, &h);
}

/* A silent client occupies a thread for as long as the read timeout. */
static void silent_client_is_given_up(world *w)
{
    hosted h = {0};
    size_t count;
    const plx_server_options options = {
        .dispatch = PLX_DISPATCH_THREAD, .on_socket = on_socket, .handlers = 1};
    const plx_conn_options conn = {.read_timeout_ns = 20 * PLX_MILLISECOND};
    if (net_is_sim())
        return;
    ck_ok(hosted_try(w, &h, options, (plx_loop_options){0}));
    ck_ok(plx_server_listen(h.server, "tcp://127.0.0.1:0", &(plx_listen_options){.conn = &conn}));
    ck_ok(plx_server_address(h.server, 0, h.address, sizeof h.address));
    hosted_run(&h);
    peer silent = peer_open(w, h.address);
    ck_assert_int_eq(peer_drain(w, &silent, &count), PLX_EEOF);
    peer_close(&silent);
    hosted_close(w, &h);
}

/* Those that the loop has received before on_socket go along. */
static void bytes_received_first_go_along(world *w)
{
    hosted h = {0};
    char answer[5];
    if (net_is_sim())
        return;
    ck_ok(hosted_try(w, &h,
                     (plx_server_options){.dispatch = PLX_DISPATCH_THREAD, .on_socket = on_socket},
                     (plx_loop_options){0}));
    ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){.accept_receive_first = 1}));
    hosted_run(&h);
    peer p = peer_open(w, h.address);
    peer_send(w, &p, "early", 5);
    peer_receive(w, &p, answer, 5);
    ck_assert_mem_eq(answer, "early", 5);
    peer_close(&p);
    hosted_until(w, &h, closed, 1);
    hosted_close(w, &h);
}

static void misfits_are_refused(world *w)
{
    const uint32_t thread = PLX_DISPATCH_THREAD;
    const plx_server_options misfits[] = {
        {.dispatch = thread}, /* Without on_socket. */
        {.dispatch = thread, .on_socket = on_socket, .loops = 2},
        {.dispatch = thread, .on_socket = on_socket, .handlers = 1025},
        {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket, .loops = 2},
        {.dispatch = PLX_DISPATCH_PREFORK, .on_socket = on_socket},
        {.dispatch = PLX_DISPATCH_ROUND_ROBIN, .on_socket = on_socket},
        {.dispatch = PLX_DISPATCH_FORK + 1},
    };
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        hosted h = {0};
        ck_assert_int_eq(hosted_try(w, &h, misfits[i], (plx_loop_options){0}), PLX_EINVAL);
        ck_assert_ptr_null(h.server);
    }
    for (size_t i = 0; i < 3; i++) { /* They run by themselves alone. */
        static const uint32_t policies[] = {PLX_DISPATCH_THREAD, PLX_DISPATCH_FORK,
                                            PLX_DISPATCH_PREFORK};
        const plx_server_options options = {
            .dispatch = policies[i], .on_socket = i < 2 ? on_socket : NULL, .no_threads = 1};
        plx_server *server;
        ck_assert_int_eq(plx_server_open(&server, &options), PLX_EINVAL);
    }
}

/* The second of three threads does not start. */
static void want_of_a_thread_ends_the_run(world *w)
{
    hosted h = {0};
    if (!handlers_open(w, &h, 3))
        return;
    plx__fault_arm(PLX__FAULT_THREAD, 1, 1);
    ck_assert_int_eq(plx_server_run(h.server), PLX_ELIMIT);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_THREAD), 1);
    ck_ok(plx_server_close(h.server));
}

/* Its loops cannot be opened, when the handlers are there already. */
static void server_that_does_not_open_leaves_nothing(world *w)
{
    hosted h = {0};
    const plx_server_options options = {
        .dispatch = PLX_DISPATCH_THREAD, .on_socket = on_socket, .handlers = 3};
    ck_assert_int_eq(hosted_try(w, &h, options, (plx_loop_options){.receive_bytes = UINT32_MAX}),
                     PLX_EINVAL);
    ck_assert_ptr_null(h.server);
}

const test_case behavior_handler_cases[] = {
    CASE(each_connection_has_a_thread),
    CASE(later_ones_wait_for_a_thread),
    CASE(full_server_pauses_and_continues),
    CASE(handler_ends_the_connection),
    CASE(stopped_server_ends_threads_that_wait),
    CASE(drain_lets_handlers_end),
    CASE(drain_waits_for_handlers),
    CASE(silent_client_is_given_up),
    CASE(bytes_received_first_go_along),
    CASE(misfits_are_refused),
    CASE(want_of_a_thread_ends_the_run),
    CASE(server_that_does_not_open_leaves_nothing),
    CASES_END,
};
