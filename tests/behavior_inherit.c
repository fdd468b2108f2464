/* tests/behavior_inherit.c - listeners from sockets that listen already, and listeners that share a
 * port.
 */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"
#ifndef _WIN32
#include "platform/os.h"
#endif

extern const test_case behavior_inherit_cases[];

/* Gives the socket to the loop; the case has it still if that fails. */
static int adopt(plx_loop *loop, plx_listener *listener_out, plx_socket socket,
                 const plx_listen_options *options)
{
    net_disown(socket);
    int status = plx_listen_adopt(loop, listener_out, socket, options);
    if (status != 0)
        plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return status;
}

/* Whether somebody at the address echoes, which `w->loop` runs. */
static void check_served(world *w, const char *address, probe *p)
{
    char answer[2];
    size_t before = p->closed;
    peer client = peer_open(w, address);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    peer_close(&client);
    turn_until(w, &p->closed, before + 1);
}

/* It accepts whoever waited, whoever comes, and is closed as other listeners are. */
static void adopted_socket_accepts(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted};
    char address[PLX_ADDRESS_TEXT_MAX], name[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    plx_socket socket = socket_listening(address);
    peer early = peer_start(address);
    ck_ok(adopt(w->loop, &listener, socket, &options));
    ck_ok(plx_listener_address(w->loop, listener, name, sizeof name));
    ck_assert_str_eq(name, address);
    turn_until(w, &p.opened, 1);
    check_served(w, address, &p);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_assert_int_eq(plx_listener_close(w->loop, listener), PLX_ESTALE);
    peer_close(&early);
    turn_until(w, &p.closed, 2);
    ck_ok(plx_listen(w->loop, &listener, address, &options)); /* The address is free. */
    check_served(w, address, &p);
    ck_ok(adopt(w->loop, NULL, socket_listening(address), NULL)); /* And one that is left open. */
}

static void check_refused(world *w, plx_socket socket, const plx_listen_options *options,
                          int wanted)
{
    plx_listener listener = {0};
    int status = plx_listen_adopt(w->loop, &listener, socket, options);
    ck_assert_msg(status == wanted, "%s", plx_error_name(status));
    ck_assert_uint_eq(listener.bits, 0);
}

static void see_nothing(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                        uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

/* What does not listen, or is somebody's already, is refused, and stays as it is. */
static void only_listening_sockets_are_adopted(world *w)
{
    const plx_listen_options wrong = {.conn = &(plx_conn_options){.send_high = 10, .send_low = 20}};
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted};
    couple c = couple_open();
    plx_watch watch;
    char byte;
    plx_socket bound = socket_refusing(address);
    check_refused(w, bound, &options, PLX_EINVAL);
    net_close(bound);
    check_refused(w, c.ours.socket, &options, PLX_EINVAL);
    peer_send(w, &c.theirs, "x", 1);
    peer_receive(w, &c.ours, &byte, 1);
    int status = plx_listen_adopt(w->loop, NULL, PLX_SOCKET_NONE, &options);
    ck_assert_msg(status == PLX_EBADF || status == PLX_ENOTSOCK, "%s", plx_error_name(status));
    plx_socket socket = socket_listening(address);
    check_refused(w, socket, &wrong, PLX_EINVAL);
    ck_ok(plx_watch_open(w->loop, &watch, socket, 0, see_nothing, NULL));
    check_refused(w, socket, &options, PLX_EEXIST);
    ck_ok(plx_watch_close(w->loop, watch));
    ck_ok(adopt(w->loop, NULL, socket, &options));
    check_served(w, address, &p);
    couple_close(&c);
}

static bool has_unix_sockets(void)
{
    plx_socket tried;
    int status = net_open(&tried, PLX__FAMILY_UNIX);
    if (status == PLX_EAFNOSUPPORT)
        return false;
    ck_ok(status);
    net_close(tried);
    return true;
}

/* A socket file is of whoever bound the socket, who may be listening there still. */
static void adopted_socket_leaves_its_file(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted};
    char file[64], address[80], name[PLX_ADDRESS_TEXT_MAX];
    plx__address parsed;
    plx_listener listener;
    plx_socket socket;
    if (!has_unix_sockets())
        return;
    (void)snprintf(file, sizeof file, "pollux-%llx.sock", (unsigned long long)plx__clock_now());
    (void)snprintf(address, sizeof address, "unix:%s", file);
    ck_ok(plx__address_parse(&parsed, address));
    ck_ok(net_open(&socket, parsed.family));
    ck_ok(net_bind(socket, &parsed));
    check_refused(w, socket, &options, PLX_EINVAL);
    ck_ok(net_listen(socket, 16));
    ck_ok(adopt(w->loop, &listener, socket, &options));
    ck_ok(plx_listener_address(w->loop, listener, name, sizeof name));
    ck_assert_str_eq(name, address);
    check_served(w, address, &p);
    ck_ok(plx_listener_close(w->loop, listener));
    turn_some(w);
    ck_assert_msg(remove(file) == 0, "\"%s\" was not there any more", file);
}

/* Wine's sockets, as those of Windows before 8.1, stay with the completion port that they have
 * joined, also if nothing comes of it: no other one may have them. */
static bool is_kept_by_port(const world *w, int status)
{
    return status == PLX_EBUSY && strcmp(w->backend, "iocp") == 0 && plx__test_is_wine();
}

/* Whatever runs out on the way, the socket is the caller's, listens, and has lost nobody. */
static void failed_adoption_loses_nothing(world *w)
{
    const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    for (size_t kind = 0; kind < 2; kind++) {
        probe p = {.then_data = echo_back};
        const plx_conn_options accepted = probe_options(&p);
        const plx_listen_options options = {.conn = &accepted};
        char address[PLX_ADDRESS_TEXT_MAX];
        plx_socket socket = socket_listening(address);
        peer early = peer_start(address);
        uint32_t k = 0;
        int status;
        do {
            world_reopen(w, (plx_loop_options){0});
            plx__fault_arm(kinds[kind], k, 1);
            status = adopt(w->loop, NULL, socket, &options);
            (void)plx__fault_disarm(kinds[kind]);
            turn(w);
            ck_assert_uint_lt(++k, 100);
        } while (status == (kind == 0 ? PLX_ENOMEM : PLX_EMFILE));
        if (is_kept_by_port(w, status)) {
            ck_ok(plx_loop_close(w->loop));
            ck_ok(plx_loop_open(&w->loop, &(plx_loop_options){.backend = "select"}));
            status = adopt(w->loop, NULL, socket, &options);
        }
        ck_ok(status);
        ck_assert_msg(kind != 0 || k > 1, "adopting took no memory");
        turn_until(w, &p.opened, 1);
        check_served(w, address, &p);
        peer_close(&early);
        turn_until(w, &p.closed, 2);
    }
}

/* One loop fails to adopt it, and the same loop does when there is memory again. */
static void adoption_can_be_tried_again(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket socket = socket_listening(address);
    int status = PLX_ENOMEM;
    for (uint32_t k = 0; status == PLX_ENOMEM; k++) {
        plx__fault_arm(PLX__FAULT_MEMORY, k, 1);
        status = adopt(w->loop, NULL, socket, &options);
        (void)plx__fault_disarm(PLX__FAULT_MEMORY);
    }
    if (is_kept_by_port(w, status)) {
        net_close(socket);
        return;
    }
    ck_ok(status);
    check_served(w, address, &p);
}

static void closing_refuses(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    ck_assert_int_eq(plx_listen_adopt(loop, NULL, *(plx_socket *)p->more, NULL), PLX_ECANCELED);
}

static void closing_loop_adopts_nothing(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket socket = socket_listening(address);
    probe p = {.then_close = closing_refuses, .more = &socket};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, 1);
    peer_close(&client);
    net_close(socket);
}

/* The connections are as those of other listeners: with their first bytes if that is wanted. */
static void adopted_socket_has_options(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted, .accept_receive_first = 1};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    ck_ok(adopt(w->loop, &listener, socket_listening(address), &options));
    ck_ok(plx_listener_set_background(w->loop, listener, 1));
    ck_ok(plx_loop_run(w->loop));
    check_served(w, address, &p);
    ck_assert_uint_eq(p.opened, 1);
}

/* Two loops have the same socket, as parent and child: both are served, and when one of them closes
 * its listener the other goes on, without the first being bothered. */
static void shared_socket_outlives_a_listener(world *w)
{
    enum { COMERS = 20 };
    probe here = {.then_data = echo_back}, there = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&here);
    const plx_listen_options options = {.conn = &accepted};
    const plx_conn_options others_accepted = probe_options(&there);
    const plx_listen_options others = {.conn = &others_accepted};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    plx_socket duplicate;
    plx_socket socket = socket_listening(address);
    int status = plx__test_duplicate(socket, &duplicate);
    if (status == PLX_ENOSYS) {
        net_close(socket);
        return;
    }
    ck_ok(status);
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    plx_loop *other = world_loop_open(w);
    ck_ok(adopt(other, &listener, duplicate, &others));
    ck_ok(plx_loop_run_once(other, 0));
    ck_ok(adopt(w->loop, NULL, socket, &options));
    turn_some(w);
    ck_ok(plx_listener_close(other, listener));
    ck_ok(plx_loop_run_once(other, 0));
    size_t before = here.closed;
    for (size_t i = 0; i < COMERS; i++) {
        check_served(w, address, &here);
        ck_ok(plx_loop_run_once(other, 0));
    }
    ck_assert_uint_eq(here.closed, before + COMERS);
    ck_assert_uint_eq(there.opened, 0);
    ck_assert_uint_eq(plx_loop_next_timeout(other), PLX_FOREVER);
    ck_ok(plx_loop_close(other));
}

#ifndef _WIN32
static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    probe *p = data;
    int is_on = 0;
    socklen_t size = sizeof is_on;
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)length;
    ck_assert_int_eq(getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &is_on, &size), 0);
    ++*(size_t *)p->more;
    p->reason = is_on != 0;
    plx_socket_close(socket);
}

static void release(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_release(loop, conn));
}

/* A parent's socket blocks, most often, and is no stream, perhaps. The loop never blocks in it, and
 * connections have no delay unless that is wanted. */
static void adopted_socket_does_not_block(world *w)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (uint32_t flags = 0; flags <= PLX_CONN_DELAY; flags += PLX_CONN_DELAY) {
        char address[PLX_ADDRESS_TEXT_MAX];
        size_t released = 0;
        probe p = {.then_open = release, .more = &released};
        plx_conn_options accepted = probe_options(&p);
        plx_listen_options options = {.conn = &accepted};
        plx_listener listener;
        plx_socket none;
        accepted.on_release = on_release;
        accepted.flags = flags;
        int blocking = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_ge(blocking, 0);
        ck_assert_int_eq(bind(blocking, (const struct sockaddr *)&any, sizeof any), 0);
        check_refused(w, blocking, &options, PLX_EINVAL);
        ck_assert_int_eq(listen(blocking, 16), 0);
        int inherited = plx__test_inherited();
        ck_ok(plx_listen_adopt(w->loop, &listener, blocking, &options));
        ck_assert_int_eq(plx__test_inherited(), inherited - 1);
        ck_assert_int_eq(net_accept(blocking, &none), PLX_EAGAIN);
        ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
        peer client = peer_start(address);
        turn_until(w, &released, 1);
        turn_some(w);
        ck_assert_int_eq(p.reason, flags == 0);
        peer_close(&client);
    }
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    check_refused(w, datagrams, NULL, PLX_EINVAL);
    net_dispose(datagrams);
#ifdef __linux__
    const struct sockaddr_un unnamed = {.sun_family = AF_UNIX}; /* The system names it: unix(7). */
    int packets = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    ck_assert_int_eq(bind(packets, (const struct sockaddr *)&unnamed, sizeof unnamed.sun_family),
                     0);
    ck_assert_int_eq(listen(packets, 16), 0);
    check_refused(w, packets, NULL, PLX_EINVAL);
    net_dispose(packets);
#endif
}
#else
static void adopted_socket_does_not_block(world *w)
{
    (void)w; /* unit_windows looks at the handle. */
}
#endif

/* --- one port, several listeners ---------------------------------------------------------------
 */

/* Each gets some of those who come, and whoever does not ask for it has the port alone. */
static void listeners_share_a_port(world *w)
{
    enum { COMERS = 100 };
    probe here = {0}, there = {0};
    peer peers[COMERS];
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener = {0}, alone = {0};
    plx_conn_options accepted = probe_options(&here);
    plx_listen_options options = {.conn = &accepted, .reuse_port = 1};
    int status = plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options);
    ck_assert_int_eq(plx_listen(w->loop, &alone, "unix:never.sock", &options), PLX_EINVAL);
#ifdef __linux__
    ck_ok(status);
#else
    if (status == PLX_ENOSYS) {
        ck_assert_uint_eq(listener.bits, 0);
        return;
    }
#endif
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    ck_assert_int_eq(plx_listen(w->loop, &alone, address, NULL), PLX_EADDRINUSE);
    plx_loop *other = world_loop_open(w);
    accepted = probe_options(&there);
    ck_ok(plx_listen(other, NULL, address, &options));
    for (int i = 0; i < COMERS; i++)
        peers[i] = peer_start(address);
    uint64_t until = net_now() + patience();
    while (here.opened + there.opened < COMERS) {
        ck_assert_uint_lt(net_now(), until);
        turn(w);
        ck_ok(plx_loop_run_once(other, 0));
    }
    ck_assert_uint_gt(here.opened, 0);
    ck_assert_uint_gt(there.opened, 0);
    for (int i = 0; i < COMERS; i++)
        peer_close(&peers[i]);
    turn_until(w, &here.closed, here.opened);
    ck_ok(plx_loop_close(other));
    ck_ok(plx_listen(w->loop, &alone, "tcp://127.0.0.1:0", NULL));
    ck_ok(plx_listener_address(w->loop, alone, address, sizeof address));
    ck_assert_int_eq(plx_listen(w->loop, NULL, address, &options), PLX_EADDRINUSE);
}

const test_case behavior_inherit_cases[] = {
    CASE(adopted_socket_accepts),
    CASE(only_listening_sockets_are_adopted),
    CASE(adopted_socket_leaves_its_file),
    CASE(failed_adoption_loses_nothing),
    CASE(adoption_can_be_tried_again),
    CASE(closing_loop_adopts_nothing),
    CASE(adopted_socket_has_options),
    CASE(shared_socket_outlives_a_listener),
    CASE(adopted_socket_does_not_block),
    CASE(listeners_share_a_port),
    CASES_END,
};
