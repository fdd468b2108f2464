/* tests/behavior_handover.c - listening sockets that two have, of whom one ends: nobody who has
 * connected is lost, whether the kernel, the backend or the loop has them. */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/hosted.h"

extern const test_case behavior_handover_cases[];

enum { COMERS = 40, CROWD = 200 };

/* What loops of one process share only where their sockets are the system's. */
typedef struct successor {
    plx_loop *loop;
    probe probe;
    plx_conn_options conn;
} successor;

static plx_listen_options successor_options(successor *s)
{
    s->probe = (probe){.then_data = echo_back};
    s->conn = probe_options(&s->probe);
    return (plx_listen_options){.conn = &s->conn};
}

/* On a backend whose sockets belong to no completion port. */
static void successor_open(world *w, successor *s, plx_socket socket, uint32_t shared)
{
    plx_listen_options options = successor_options(s);
    options.shared = shared;
    if (strcmp(w->backend, "iocp") == 0)
        ck_ok(plx_loop_open(&s->loop, &(plx_loop_options){.backend = "select"}));
    else
        s->loop = world_loop_open(w);
    ck_ok(plx_listen_adopt(s->loop, NULL, socket, &options));
}

static bool is_over(const plx_loop *loop, plx_listener listener)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    return plx_listener_address(loop, listener, address, sizeof address) == PLX_ESTALE;
}

static void until_over(world *w, plx_listener listener)
{
    for (uint64_t until = net_now() + patience(); !is_over(w->loop, listener); turn(w))
        ck_assert_uint_lt(net_now(), until);
}

/* Sends a byte from each and receives its echo, while both loops turn. */
static void all_are_served(world *w, successor *s, peer *peers, size_t count)
{
    uint64_t until = net_now() + patience();
    for (size_t i = 0; i < count; i++) {
        char byte = 0;
        while (net_send(peers[i].socket, "x", 1) != 1)
            turn(w);
        for (;;) {
            ptrdiff_t got = peer_try(&peers[i], &byte, 1);
            ck_assert_msg(got == 1 || got == PLX_EAGAIN, "peer %u of %u: %s", (unsigned)i,
                          (unsigned)count, plx_error_name((int)got));
            if (got == 1)
                break;
            ck_assert_uint_lt(net_now(), until);
            turn(w);
            ck_ok(plx_loop_run_once(s->loop, 0));
        }
        ck_assert_int_eq(byte, 'x');
    }
}

/* More clients connect than a turn opens, so the kernel or the backend has the others. Then the
 * first listener finishes: whoever had been accepted for it opens there, and the others elsewhere.
 */
static void finished_listener_loses_nobody(world *w)
{
    static peer peers[CROWD];
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options accepted = probe_options(&p);
    plx_socket duplicate;
    successor next = {.loop = NULL};
    plx_listener listener = listen_at(w, &accepted, address);
    turn_some(w);
    int status = plx_listener_duplicate(w->loop, listener, &duplicate);
    if (status == PLX_ENOSYS)
        return; /* In a simulation a socket has one number. */
    ck_ok(status);
    for (size_t i = 0; i < CROWD / 2; i++)
        peers[i] = peer_start(address);
    turn(w);
    ck_ok(plx_listener_finish(w->loop, listener));
    if (!is_over(w->loop, listener)) { /* Neither of these changes anything. */
        ck_ok(plx_listener_finish(w->loop, listener));
        ck_ok(plx_listener_resume(w->loop, listener));
    }
    until_over(w, listener);
    for (size_t i = CROWD / 2; i < CROWD; i++)
        peers[i] = peer_start(address);
    successor_open(w, &next, duplicate, 0);
    all_are_served(w, &next, peers, CROWD);
    ck_assert_uint_eq(p.opened + next.probe.opened, CROWD);
    ck_assert_uint_ge(next.probe.opened, CROWD / 2);
    ck_assert_int_eq(plx_listener_finish(w->loop, listener), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_keep_file(w->loop, listener), PLX_ESTALE);
    for (size_t i = 0; i < CROWD; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, p.opened);
    ck_ok(plx_loop_close(next.loop));
}

/* Two loops accept from one socket, and the system wakes the first one for a client. That one
 * finishes before it has accepted it: nobody would wake the other. */
static void finished_listener_leaves_nobody_to_a_loop_that_sleeps(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options options = {.conn = &accepted, .shared = 1};
    plx_listener listener;
    plx_socket duplicate;
    successor next = {.loop = NULL};
    int status = plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options);
    if (status == PLX_ENOSYS) /* Both are woken. */
        return;
    ck_ok(status);
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    turn_some(w);
    ck_ok(plx_listener_duplicate(w->loop, listener, &duplicate));
    successor_open(w, &next, duplicate, 1);
    for (int i = 0; i < 3; i++)
        ck_ok(plx_loop_run_once(next.loop, 0));
    peer client = peer_start(address);
    ck_ok(plx_listener_finish(w->loop, listener));
    until_over(w, listener);
    all_are_served(w, &next, &client, 1);
    peer_close(&client);
    turn_until(w, &p.closed, p.opened);
    ck_ok(plx_loop_close(next.loop));
}

/* One that was paused, and holds what had been accepted before that. */
static void paused_listener_finishes_too(world *w)
{
    peer peers[4];
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options accepted = probe_options(&p);
    plx_socket duplicate;
    successor next = {.loop = NULL};
    plx_listener listener = listen_at(w, &accepted, address);
    turn_some(w);
    int status = plx_listener_duplicate(w->loop, listener, &duplicate);
    if (status == PLX_ENOSYS)
        return;
    ck_ok(status);
    for (size_t i = 0; i < 4; i++)
        peers[i] = peer_start(address);
    ck_ok(plx_listener_pause(w->loop, listener));
    turn_some(w);
    ck_ok(plx_listener_finish(w->loop, listener));
    turn_some(w);
    successor_open(w, &next, duplicate, 0);
    all_are_served(w, &next, peers, 4);
    ck_assert(is_over(w->loop, listener));
    for (size_t i = 0; i < 4; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, p.opened);
    ck_ok(plx_loop_close(next.loop));
}

/* With the loop, also in the middle of it. */
static void loop_closes_with_a_finishing_listener(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options accepted = probe_options(&p);
    plx_listener listener = listen_at(w, &accepted, address);
    turn_some(w);
    peer early = peer_start(address);
    ck_ok(plx_listener_finish(w->loop, listener));
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, p.opened);
    peer_close(&early);
}

static void listener_close_at_once(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    (void)plx_listener_close(loop,
                             *(const plx_listener *)p->more); /* Stale for all but the first. */
}

/* The listener accepts the backlog when it finishes; on_open of the first connection closes it. */
static void finishing_listener_may_be_closed(world *w)
{
    peer peers[4];
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    probe p = {.then_open = listener_close_at_once, .more = &listener};
    plx_conn_options accepted = probe_options(&p);
    listener = listen_at(w, &accepted, address);
    turn_some(w);
    ck_ok(plx_listener_pause(w->loop, listener));
    turn_some(w);
    for (size_t i = 0; i < 4; i++)
        peers[i] = peer_start(address);
    ck_ok(plx_listener_finish(w->loop, listener));
    until_over(w, listener);
    for (size_t i = 0; i < 4; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, p.opened);
}

/* Alone: what was accepted opens, and the address is free when the listener has gone. */
static void finished_listener_frees_its_address(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options accepted = probe_options(&p);
    plx_listener listener = listen_at(w, &accepted, address);
    turn_some(w);
    ck_ok(plx_listener_finish(w->loop, listener));
    until_over(w, listener);
    turn_some(w);
    ck_ok(plx_listen(w->loop, NULL, address, NULL));
}

/* --- servers ---------------------------------------------------------------------------------- */

static int hosted_adopt(hosted *h, const plx_socket *sockets, uint32_t count)
{
    const plx_conn_options conn = hosted_conn();
    const plx_listen_options options = {.conn = &conn};
    return plx_server_listen_adopt(h->server, sockets, count, &options);
}

/* Opens a server that takes over the first one's sockets. False where that cannot be. */
static bool hosted_succeed(world *w, hosted *old, hosted *next, uint32_t dispatch, uint32_t loops)
{
    plx_socket sockets[HOSTED_LOOPS];
    uint32_t count;
    char address[PLX_ADDRESS_TEXT_MAX];
    const uint32_t all = dispatch == PLX_DISPATCH_KERNEL ? loops : 1;
    int status = plx_server_listener_duplicate(old->server, 0, sockets, all - 1, &count);
    ck_assert_int_eq(status, PLX_EINVAL);
    status = plx_server_listener_duplicate(old->server, 0, sockets, all, &count);
    if (status == PLX_ENOSYS)
        return false;
    ck_ok(status);
    ck_assert_uint_eq(count, all);
    ck_ok(hosted_try(w, next, (plx_server_options){.loops = loops, .dispatch = dispatch},
                     (plx_loop_options){0}));
    ck_assert_int_eq(hosted_adopt(next, sockets, count + 1), PLX_EINVAL);
    status = hosted_adopt(next, sockets, count);
    if (status == PLX_EBUSY && strcmp(w->backend, "iocp") == 0) { /* Of the other port. */
        for (uint32_t i = 0; i < count; i++)
            plx_socket_close(sockets[i]);
        ck_ok(plx_server_close(next->server));
        return false;
    }
    ck_ok(status);
    ck_ok(plx_server_address(next->server, 0, address, sizeof address));
    ck_assert_str_eq(address, old->address);
    memcpy(next->address, address, sizeof address);
    return true;
}

/* With every policy: peers connect one after the other, and somewhere in between the first server
 * ends in order. Each is answered by one of the two. */
static void server_hands_over_to_the_next(world *w)
{
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        const uint32_t loops = dispatch == PLX_DISPATCH_INLINE ? 1 : 3;
        hosted old = {.is_asked = true, .is_busy = 1}, next = {0};
        ck_ok(hosted_try(w, &old, (plx_server_options){.loops = loops, .dispatch = dispatch},
                         (plx_loop_options){0}));
        int status = hosted_listen(&old, "tcp://127.0.0.1:0", (plx_listen_options){0});
        if (status == PLX_ENOSYS || !hosted_succeed(w, &old, &next, dispatch, loops)) {
            hosted_run(&old);
            hosted_close(w, &old);
            continue;
        }
        ck_ok(status);
        hosted_run(&old);
        hosted_run(&next);
        for (size_t i = 0; i < COMERS; i++) {
            peer p = peer_start(old.address);
            if (i == COMERS / 4)
                ck_ok(plx_server_hand_over(old.server, PLX_FOREVER));
            if (i < COMERS / 2)
                hosted_ask(w, &p, "both");
            else
                hosted_ask(w, &p, "next");
            peer_close(&p);
            if (i == COMERS / 2 - 1)
                ck_ok(hosted_wait(w, &old));
        }
        ck_assert_uint_eq(hosted_count(&old, opened) + hosted_count(&next, opened), COMERS);
        ck_assert_uint_ge(hosted_count(&next, opened), COMERS / 2);
        hosted_close(w, &old);
        hosted_close(w, &next);
    }
}

/* A server that is full holds one client, and has another wait in the system's queue. When it hands
 * over, the first is for it to serve, and the second for the next one, which has room. */
static void full_server_leaves_waiting_clients_to_the_next(world *w)
{
    hosted old = {.is_asked = true, .is_busy = 1}, next = {0};
    peer peers[3];
    hosted_open(w, &old, (plx_server_options){.loops = 1, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){.connections_max = 1});
    bool has_next = hosted_succeed(w, &old, &next, PLX_DISPATCH_ROUND_ROBIN, 1);
    hosted_run(&old);
    if (has_next) {
        hosted_peers_open(w, &old, peers, 1);
        peers[1] = peer_open(w, old.address);
        hosted_until_full(w, &old);
        turn_some(w); /* A ring that accepts ahead learns of the pause with its next wait. */
        peers[2] = peer_open(w, old.address);
        ck_ok(plx_server_hand_over(old.server, PLX_FOREVER));
        hosted_until(w, &old, asked, 1); /* Its listener has ended before. */
        hosted_run(&next);
        hosted_ask(w, &peers[2], "next");
        peer_close(&peers[0]);
        hosted_ask(w, &peers[1], "held");
        hosted_peers_close(&peers[1], 2);
        ck_ok(hosted_wait(w, &old));
        ck_assert_uint_eq(hosted_count(&old, opened), 2);
        hosted_close(w, &next);
    }
    hosted_close(w, &old);
}

/* What cannot be adopted stays the caller's. */
static void server_refuses_sockets(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    hosted h = {0};
    plx_socket bound = socket_refusing(address);
    plx_socket two[2] = {socket_listening(address), bound};
    uint32_t count;
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                     (plx_loop_options){0}));
    ck_assert_int_eq(hosted_adopt(&h, &bound, 1), PLX_EINVAL);
    ck_assert_int_eq(hosted_adopt(&h, two, 2), PLX_EINVAL);
    ck_assert_int_eq(hosted_adopt(&h, two, 0), PLX_EINVAL);
    ck_assert_int_eq(plx_server_listener_duplicate(h.server, 0, two, 2, &count), PLX_EINVAL);
    net_close(bound);
    hosted_run(&h);
    hosted_until(w, &h, started, 2);
    if (!net_is_sim()) { /* Not while it runs, nor after; in a simulation its user runs it. */
        ck_assert_int_eq(hosted_adopt(&h, two, 1), PLX_EBUSY);
        ck_assert_int_eq(plx_server_listener_duplicate(h.server, 0, two, 2, &count), PLX_EBUSY);
        plx_server_stop(h.server);
        ck_ok(hosted_wait(w, &h));
        ck_assert_int_eq(hosted_adopt(&h, two, 1), PLX_ECANCELED);
        ck_assert_int_eq(plx_server_listener_duplicate(h.server, 0, two, 2, &count), PLX_ESTALE);
    }
    hosted_close(w, &h);
    net_close(two[0]);
}

/* Under PLX_DISPATCH_KERNEL one socket that cannot be adopted leaves all to the caller. */
static void server_that_fails_to_adopt_leaves_all(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    hosted h = {0};
    plx_socket sockets[2] = {socket_listening(address), socket_refusing(address)};
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_KERNEL},
                     (plx_loop_options){0}));
    int status = hosted_adopt(&h, sockets, 2);
    ck_assert_msg(status == PLX_EINVAL || status == PLX_ENOSYS, "%s", plx_error_name(status));
    hosted_run(&h);
    hosted_close(w, &h);
    if (!net_is_sim())
        ck_ok(net_listen(sockets[0], 4));
    net_close(sockets[0]);
    net_close(sockets[1]);
}

/* Runs the loops until they have closed their listeners. */
static void until_held(const hosted *h, uint32_t descriptors)
{
    uint64_t until = net_now() + patience();
    for (uint32_t i = 0; plx__fault_held(PLX__FAULT_DESCRIPTOR) > descriptors; i++) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(plx_server_loop(h->server, i % plx_server_loops(h->server)), 0));
    }
}

/* Fails each call of this kind once, until `try` has succeeded, or fails for another reason. After
 * each failure nothing is open that was not before. */
static int survive_want(hosted *h, enum plx__fault_kind kind,
                        int (*try)(hosted *h, const void *data), const void *data)
{
    const uint32_t held = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    int status = PLX_ENOMEM;
    for (uint32_t first = 0; status == PLX_ENOMEM || status == PLX_EMFILE; first++) {
        ck_assert_uint_lt(first, 1000);
        plx__fault_arm(kind, first, 1);
        status = try(h, data);
        bool has_struck = plx__fault_disarm(kind) > 0;
        ck_assert(has_struck || (status != PLX_ENOMEM && status != PLX_EMFILE));
        if (status != 0)
            until_held(h, held);
    }
    return status;
}

typedef struct adopted {
    plx_socket sockets[2];
    uint32_t count;
} adopted;

static int try_adopt(hosted *h, const void *data)
{
    const adopted *a = data;
    return hosted_adopt(h, a->sockets, a->count);
}

static void check_closed(const plx_socket *sockets, uint32_t count)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_ne(plx_socket_local(sockets[i], address, sizeof address), 0);
}

/* Every allocation and every descriptor fails once. After a failure the sockets are still the
 * caller's, and can be adopted. */
static void adoption_for_all_loops_survives_want(world *w)
{
    static const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    for (uint32_t dispatch = PLX_DISPATCH_ROUND_ROBIN; dispatch <= PLX_DISPATCH_SHARED;
         dispatch++) {
        for (size_t k = 0; k < 2; k++) {
            hosted h = {0};
            char address[PLX_ADDRESS_TEXT_MAX];
            const adopted a = {.sockets = {socket_listening(address), socket_listening(address)},
                               .count = dispatch == PLX_DISPATCH_KERNEL ? 2 : 1};
            net_disown(a.sockets[0]);
            net_disown(a.sockets[1]);
            ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = dispatch},
                             (plx_loop_options){0}));
            int status = survive_want(&h, kinds[k], try_adopt, &a);
            /* PLX_ENOSYS: no such policy here. PLX_EBUSY: the port has what joined it once. */
            ck_assert_msg(
                status == 0 || status == PLX_ENOSYS ||
                    (status == PLX_EBUSY && strcmp(w->backend, "iocp") == 0 && plx__test_is_wine()),
                "%s", plx_error_name(status));
            if (status == 0 && dispatch >= PLX_DISPATCH_KERNEL) /* Each loop has a duplicate. */
                check_closed(a.sockets, a.count);
            for (uint32_t i = status == 0 ? a.count : 0; i < 2; i++)
                plx_socket_close(a.sockets[i]);
            hosted_run(&h);
            hosted_close(w, &h);
        }
    }
}

static int try_listen(hosted *h, const void *data)
{
    (void)data;
    return hosted_listen(h, "tcp://127.0.0.1:0", (plx_listen_options){0});
}

static int try_duplicate(hosted *h, const void *data)
{
    plx_socket sockets[HOSTED_LOOPS];
    uint32_t count;
    (void)data;
    int status = plx_server_listener_duplicate(h->server, 0, sockets, HOSTED_LOOPS, &count);
    ck_assert_uint_eq(count > 0, status == 0);
    while (count > 0)
        plx_socket_close(sockets[--count]);
    return status;
}

/* With every policy: each of the loops may lack what it needs to listen, and each of the sockets a
 * duplicate. */
static void listening_on_all_loops_survives_want(world *w)
{
    static const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        const uint32_t loops = dispatch == PLX_DISPATCH_INLINE ? 1 : 3;
        for (size_t k = 0; k < 2; k++) {
            hosted h = {0};
            peer p;
            ck_ok(hosted_try(w, &h, (plx_server_options){.loops = loops, .dispatch = dispatch},
                             (plx_loop_options){0}));
            int status = survive_want(&h, kinds[k], try_listen, NULL);
            if (status == PLX_ENOSYS) {
                ck_ok(plx_server_close(h.server));
                continue;
            }
            ck_ok(status);
            status = survive_want(&h, kinds[k], try_duplicate, NULL);
            ck_assert(status == 0 || status == PLX_ENOSYS);
            hosted_run(&h);
            hosted_peers_open(w, &h, &p, 1);
            peer_close(&p);
            hosted_close(w, &h);
        }
    }
}

/* A server that hands over leaves its socket file; one that drains removes it. */
static void server_that_hands_over_leaves_its_file(world *w)
{
    for (int hands_over = 0; hands_over < 2; hands_over++) {
        hosted h = {0};
        char file[64], address[80];
        (void)snprintf(file, sizeof file, "pollux-%llx.sock", (unsigned long long)plx__clock_now());
        (void)snprintf(address, sizeof address, "unix:%s", file);
        ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0}));
        int status = hosted_listen(&h, address, (plx_listen_options){0});
        if (status == 0) {
            hosted_run(&h);
            ck_ok(hands_over ? plx_server_hand_over(h.server, PLX_FOREVER)
                             : plx_server_drain(h.server, PLX_FOREVER));
            ck_ok(hosted_wait(w, &h));
            if (!net_is_sim())
                ck_assert_int_eq(remove(file) == 0, hands_over);
        } else {
            ck_assert_int_eq(status, PLX_EAFNOSUPPORT);
            hosted_run(&h);
        }
        hosted_close(w, &h);
    }
}

const test_case behavior_handover_cases[] = {
    CASE(finished_listener_loses_nobody),
    CASE(finished_listener_leaves_nobody_to_a_loop_that_sleeps),
    CASE(paused_listener_finishes_too),
    CASE(loop_closes_with_a_finishing_listener),
    CASE(finishing_listener_may_be_closed),
    CASE(finished_listener_frees_its_address),
    CASE(server_hands_over_to_the_next),
    CASE(full_server_leaves_waiting_clients_to_the_next),
    CASE(server_refuses_sockets),
    CASE(server_that_fails_to_adopt_leaves_all),
    CASE(adoption_for_all_loops_survives_want),
    CASE(listening_on_all_loops_survives_want),
    CASE(server_that_hands_over_leaves_its_file),
    CASES_END,
};
