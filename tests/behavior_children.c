/* tests/behavior_children.c - servers that fork a child for each connection.
 *
 * Where there is no fork() the cases end at once.
 */
#include <stdlib.h>
#include <string.h>

#include "platform/handover.h"
#include "platform/test_system.h"
#include "tests/forker.h"

extern const test_case behavior_children_cases[];

/* One for each connection: answers like the others, and waits for the next line. */
static int on_socket(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                     void *data)
{
    char line[64];
    ptrdiff_t count;
    (void)server;
    (void)data;
    if (length > 0 && plx__socket_send(socket, bytes, length) != (ptrdiff_t)length)
        return 0;
    while ((count = plx__socket_receive(socket, line, sizeof line)) > 0) {
        if (count == 3 && memcmp(line, "die", 3) == 0)
            abort();
        if (count == 4 && memcmp(line, "kill", 4) == 0)
            plx__child_kill((int64_t)plx__process_id());
        if (plx__socket_send(socket, line, (size_t)count) != count || line[0] == 'q')
            break;
        if (line[0] == 'x')
            return PLX_EINVAL;
    }
    return 0;
}

/* Asks for a byte: 1, when it has come back; or what a receive comes to. */
static ptrdiff_t peer_try_once(world *w, peer *p, char *byte)
{
    ptrdiff_t got;
    while ((got = net_send(p->socket, "a", 1)) == PLX_EAGAIN)
        turn(w);
    for (got = got == 1 ? PLX_EAGAIN : got; got == PLX_EAGAIN; turn(w))
        got = peer_try(p, byte, 1);
    return got;
}

static void connection_has_a_child(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket}};
    peer peers[3];
    size_t count;
    if (!forker_start(w, &f))
        return;
    for (size_t i = 0; i < 3; i++)
        peers[i] = peer_open(w, f.address);
    for (size_t i = 3; i-- > 0;)
        forker_ask(w, &peers[i], "hello", "hello");
    forker_ask(w, &peers[0], "again", "again");
    forker_ask(w, &peers[0], "quit", "quit");
    ck_assert_int_eq(peer_drain(w, &peers[0], &count), PLX_EEOF); /* Nobody else has it open. */
    peer_send(w, &peers[1], "x", 1);
    /* A reset may overtake what was sent before it. */
    expect_reset(peer_drain(w, &peers[1], &count));
    peer_send(w, &peers[2], "die", 3);
    ck_assert_int_ne(peer_drain(w, &peers[2], &count), 0);
    hosted_peers_close(peers, 3);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 3);
    ck_assert_uint_eq(end.stats.children_lost, 1); /* That died of a signal. */
    ck_assert_uint_eq(end.stats.handed_over, 3);
}

/* A child is killed, and not by the server. The next connection is served when the server knows of
 * that. */
static void child_that_is_killed_is_lost(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket, .handlers = 1}};
    size_t count;
    if (!forker_start(w, &f))
        return;
    peer first = peer_open(w, f.address);
    peer next = peer_open(w, f.address);
    peer_send(w, &first, "kill", 4);
    ck_assert_int_ne(peer_drain(w, &first, &count), 0);
    forker_ask(w, &next, "q", "q");
    hosted_peers_close((peer[]){first, next}, 2);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_lost, 1);
}

/* Two at a time: the third waits until one has ended. A drain lets the last ones end. */
static void children_are_limited(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket, .handlers = 2},
                .drain_ns = PLX_FOREVER};
    peer peers[6];
    if (!forker_start(w, &f))
        return;
    for (size_t i = 0; i < 6; i++)
        peers[i] = peer_open(w, f.address);
    for (size_t i = 0; i < 6; i++) {
        forker_ask(w, &peers[i], "mine", "mine");
        if (i < 4)
            peer_close(&peers[i]);
    }
    ck_ok(plx__socket_shutdown(f.channel[0]));
    forker_ask(w, &peers[4], "still", "still");
    peer_close(&peers[4]);
    peer_close(&peers[5]);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 6);
    ck_assert_uint_eq(end.stats.refused, 0);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
    ck_assert_uint_eq(end.stats.children_lost, 0);
}

/* Children are busy for as long as they like, and whoever connects meanwhile is refused: a child
 * has no copy of the listening socket. */
static void child_does_not_hold_the_port(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                .drain_ns = PLX_FOREVER};
    if (!forker_start(w, &f))
        return;
    peer busy = peer_open(w, f.address);
    forker_ask(w, &busy, "here", "here");
    ck_ok(plx__socket_shutdown(f.channel[0]));
    hosted_until_refused(w, f.address);
    forker_ask(w, &busy, "still", "still");
    peer_close(&busy);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
}

/* Its client may have one connection at a time: the next one is let in when the child has ended. */
static void end_of_a_child_makes_room_for_its_client(world *w)
{
    const plx_server_limits limits = {.client_open_max = 1};
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                .limits = &limits};
    size_t count;
    if (!forker_start(w, &f))
        return;
    for (int i = 0; i < 2; i++) {
        peer p = peer_start(f.address);
        uint64_t until = net_now() + patience();
        char byte = 0;
        while (peer_try_once(w, &p, &byte) != 1) { /* Refused, as long as the last one is there. */
            ck_assert_uint_lt(net_now(), until);
            peer_close(&p);
            p = peer_start(f.address);
        }
        forker_ask(w, &p, "q", "q");
        (void)peer_drain(w, &p, &count);
        peer_close(&p);
    }
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 2);
}

/* A client that says nothing does not hold the server up. */
static void deadline_kills_children(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                .drain_ns = PLX_MILLISECOND};
    if (!forker_start(w, &f))
        return;
    peer silent = peer_open(w, f.address);
    forker_ask(w, &silent, "here", "here");
    ending end = forker_end(w, &f);
    ck_assert_uint_eq(end.stats.connections_cut, 1);
    ck_assert_uint_eq(end.stats.children_lost, 0);
    peer_close(&silent);
}

/* When fork() fails for a connection, the server tries again later. */
static void want_of_a_process_passes(world *w)
{
    forker f = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                .lacks = true,
                .what = PLX__FAULT_THREAD};
    if (!forker_start(w, &f))
        return;
    peer one = peer_open(w, f.address);
    forker_ask(w, &one, "hello", "hello");
    peer_close(&one);
    ending end = forker_end(w, &f);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 1);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* The case's server has a thread of its own, beside that of the case. */
static void threads_and_forks_do_not_mix(world *w)
{
    const plx_server_options options[] = {
        {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
        {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2},
    };
    for (size_t i = 0; i < 2 && !net_is_sim(); i++) {
        hosted h = {0};
        ck_ok(hosted_try(w, &h, options[i], (plx_loop_options){0}));
        int status = hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0});
        if (!plx__child_is_possible()) {
            ck_assert_int_eq(status, PLX_ENOSYS);
            ck_assert_ptr_nonnull(strstr(plx_dispatch_needs(options[i].dispatch), "fork()"));
            ck_ok(plx_server_close(h.server));
            continue;
        }
        ck_ok(status);
        hosted_run(&h);
        /* Where the system does not tell how many threads there are, it serves. */
        if (plx__process_threads() > 0)
            ck_assert_int_eq(hosted_wait(w, &h), PLX_ETHREADS);
        hosted_close(w, &h);
    }
}

const test_case behavior_children_cases[] = {
    CASE(connection_has_a_child),
    CASE(child_that_is_killed_is_lost),
    CASE(children_are_limited),
    CASE(child_does_not_hold_the_port),
    CASE(end_of_a_child_makes_room_for_its_client),
    CASE(deadline_kills_children),
    CASE(want_of_a_process_passes),
    CASE(threads_and_forks_do_not_mix),
    CASES_END,
};
