/* tests/behavior_offer.c - accepted sockets that are offered to the program, and listeners that
 * pause. */
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_offer_cases[];

typedef struct offer {
    probe probe; /* Of the connections that open. */
    size_t offers;
    enum plx_accept_verdict verdict;
    plx_socket taken[4];
    size_t taken_count;
    char peer[PLX_ADDRESS_TEXT_MAX], local[PLX_ADDRESS_TEXT_MAX]; /* Of the last one. */
    bool closes;
} offer;

static enum plx_accept_verdict on_accept(plx_loop *loop, plx_listener listener, void *data,
                                         plx_socket socket, const void *bytes, size_t length)
{
    offer *o = data;
    (void)bytes;
    (void)length;
    ck_assert_int_eq(plx_socket_peer(socket, o->peer, 5), PLX_EINVAL);
    ck_ok(plx_socket_peer(socket, o->peer, sizeof o->peer));
    ck_ok(plx_socket_local(socket, o->local, sizeof o->local));
    if (o->closes)
        ck_ok(plx_listener_close(loop, listener));
    if (o->verdict == PLX_ACCEPT_TAKEN)
        o->taken[o->taken_count++] = socket;
    o->offers++;
    return o->verdict;
}

static plx_listener offer_listen(world *w, offer *o, char *address)
{
    plx_listener listener;
    const plx_conn_options conn = probe_options(&o->probe);
    const plx_listen_options options = {.conn = &conn, .on_accept = on_accept, .data = o};
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
    ck_ok(plx_listener_address(w->loop, listener, address, PLX_ADDRESS_TEXT_MAX));
    return listener;
}

/* The program lets them in, and they are as any other. */
static void offered_connection_opens(world *w)
{
    offer o = {.probe = {.then_data = echo_back}, .verdict = PLX_ACCEPT_OPEN};
    char address[PLX_ADDRESS_TEXT_MAX], answer[5];
    plx__address name;
    (void)offer_listen(w, &o, address);
    peer p = peer_open(w, address);
    peer_send(w, &p, "hello", 5);
    peer_receive(w, &p, answer, 5);
    ck_assert_uint_eq(o.offers, 1);
    ck_assert_uint_eq(o.probe.opened, 1);
    ck_assert_str_eq(o.local, address);
    ck_ok(net_name(p.socket, &name));
    char text[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx__address_print(&name, text, sizeof text));
    ck_assert_str_eq(o.peer, text);
    peer_close(&p);
    turn_until(w, &o.probe.closed, 1);
}

static void refused_connection_is_reset(world *w)
{
    offer o = {.verdict = PLX_ACCEPT_REFUSED};
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t dropped;
    (void)offer_listen(w, &o, address);
    peer p = peer_open(w, address);
    expect_reset(peer_drain(w, &p, &dropped));
    peer_close(&p);
    ck_assert_uint_eq(o.probe.opened, 0);
    ck_assert_uint_eq(counter(w, accepts_refused), 1);
    ck_assert_uint_eq(counter(w, connections_accepted), 0);
}

/* It is the program's: it lives on when the loop has closed, and another loop can have it. */
static void taken_socket_is_the_programs(world *w)
{
    offer o = {.verdict = PLX_ACCEPT_TAKEN};
    probe other_probe = {.then_data = echo_back};
    char address[PLX_ADDRESS_TEXT_MAX], answer[4];
    (void)offer_listen(w, &o, address);
    peer p = peer_open(w, address);
    turn_until(w, &o.offers, 1);
    ck_assert_uint_eq(counter(w, accepts_taken), 1);
    ck_assert_uint_eq(plx_loop_connections(w->loop), 0);
    world_reopen(w, (plx_loop_options){0});
    plx_conn_options options = probe_options(&other_probe);
    options.flags = PLX_CONN_ACCEPTED;
    ck_ok(plx_conn_adopt(w->loop, NULL, o.taken[0], &options, NULL, 0));
    ck_assert_uint_eq(plx_loop_connections(w->loop), 1);
    peer_send(w, &p, "mine", 4);
    peer_receive(w, &p, answer, 4);
    ck_assert_mem_eq(answer, "mine", 4);
    peer_close(&p);
    turn_until(w, &other_probe.closed, 1);
    turn(w);
    ck_assert_uint_eq(plx_loop_connections(w->loop), 0);
}

static void taken_socket_can_be_closed_or_reset(world *w)
{
    offer o = {.verdict = PLX_ACCEPT_TAKEN};
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t dropped;
    (void)offer_listen(w, &o, address);
    peer one = peer_open(w, address);
    turn_until(w, &o.offers, 1);
    peer other = peer_open(w, address);
    turn_until(w, &o.offers, 2);
    ck_assert_int_eq(plx_socket_set_blocking(o.taken[0], 1), net_is_sim() ? PLX_ENOSYS : 0);
    plx_socket_close(o.taken[0]);
    plx_socket_reset(o.taken[1]);
    ck_assert_int_eq(peer_drain(w, &one, &dropped), PLX_EEOF);
    expect_reset(peer_drain(w, &other, &dropped));
    peer_close(&one);
    peer_close(&other);
}

/* The callback closes the listener, and lets the connection in: it is refused. */
static void closed_listener_opens_no_more(world *w)
{
    offer o = {.verdict = PLX_ACCEPT_OPEN, .closes = true};
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t dropped;
    (void)offer_listen(w, &o, address);
    peer p = peer_open(w, address);
    expect_reset(peer_drain(w, &p, &dropped));
    peer_close(&p);
    ck_assert_uint_eq(o.offers, 1);
    ck_assert_uint_eq(o.probe.opened, 0);
}

/* --- pausing ---------------------------------------------------------------------------------- */

/* Clients connect meanwhile, and wait; then all are accepted. */
static void paused_listener_accepts_later(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX], answer[2];
    peer early, peers[3];
    plx_listener listener = listen_at(w, &options, address);
    early = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx_listener_pause(w->loop, listener));
    ck_ok(plx_listener_pause(w->loop, listener));
    turn_some(w);
    for (size_t i = 0; i < 3; i++)
        peers[i] = peer_open(w, address);
    turn_some(w);
    /* A backend that accepts ahead may have had some by then. */
    size_t before = p.opened;
    turn_some(w);
    ck_assert_uint_eq(p.opened, before);
    ck_assert_uint_lt(before, 4);
    peer_send(w, &early, "on", 2); /* Others are served meanwhile. */
    peer_receive(w, &early, answer, 2);
    ck_ok(plx_listener_resume(w->loop, listener));
    turn_until(w, &p.opened, 4);
    for (size_t i = 0; i < 3; i++) {
        peer_send(w, &peers[i], "ok", 2);
        peer_receive(w, &peers[i], answer, 2);
        peer_close(&peers[i]);
    }
    peer_close(&early);
    turn_until(w, &p.closed, 4);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_assert_int_eq(plx_listener_pause(w->loop, listener), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_resume(w->loop, listener), PLX_ESTALE);
}

/* It pauses in the callback of the first, with others behind it; and closes while it pauses. */
static void listener_pauses_in_its_callback(world *w)
{
    offer o = {.verdict = PLX_ACCEPT_REFUSED};
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[3];
    size_t dropped;
    plx_listener listener = offer_listen(w, &o, address);
    ck_ok(plx_listener_pause(w->loop, listener));
    for (size_t i = 0; i < 3; i++)
        peers[i] = peer_start(address);
    turn_some(w);
    ck_ok(plx_listener_resume(w->loop, listener));
    turn_until(w, &o.offers, 3);
    ck_ok(plx_listener_pause(w->loop, listener));
    ck_ok(plx_listener_close(w->loop, listener));
    turn_some(w);
    for (size_t i = 0; i < 3; i++) {
        (void)peer_drain(w, &peers[i], &dropped);
        peer_close(&peers[i]);
    }
}

/* While connections are at their limit, resuming a listener accepts none; closing one does. */
static void resumed_listener_minds_the_limit(world *w)
{
    probe p = {0};
    const plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    world_reopen(w, (plx_loop_options){.connections_max = 1});
    plx_listener listener = listen_at(w, &options, address);
    peer one = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    peer two = peer_open(w, address);
    ck_ok(plx_listener_pause(w->loop, listener));
    ck_ok(plx_listener_resume(w->loop, listener));
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    ck_ok(plx_listener_pause(w->loop, listener));
    peer_close(&one);
    turn_until(w, &p.closed, 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1); /* There is a slot, and the listener pauses. */
    ck_ok(plx_listener_resume(w->loop, listener));
    turn_until(w, &p.opened, 2);
    peer_close(&two);
    turn_until(w, &p.closed, 2);
}

/* --- duplicates ------------------------------------------------------------------------------- */

/* It listens on when the listener has closed, and another loop accepts from it. (On Windows before
 * 8.1, and under Wine, a socket stays with the completion port that it once had.) */
static void duplicate_listens_on(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options options = probe_options(&p);
    const plx_listen_options listen = {.conn = &options};
    char address[PLX_ADDRESS_TEXT_MAX], answer[2];
    plx_socket socket, none;
    plx_listener listener = listen_at(w, &options, address);
    if (net_is_sim()) {
        ck_assert_int_eq(plx_listener_duplicate(w->loop, listener, &socket), PLX_ENOSYS);
        return;
    }
    ck_ok(plx_listener_duplicate(w->loop, listener, &socket));
    ck_ok(plx_listener_close(w->loop, listener));
    ck_assert_int_eq(plx_listener_duplicate(w->loop, listener, &none), PLX_ESTALE);
    ck_assert(none == PLX_SOCKET_NONE);
    turn_some(w);
    int status = plx_listen_adopt(w->loop, NULL, socket, &listen);
    if (status != 0) {
        ck_assert_int_eq(status, PLX_EBUSY);
        ck_assert_str_eq(w->backend, "iocp");
        plx_socket_close(socket);
        return;
    }
    peer client = peer_open(w, address);
    peer_send(w, &client, "on", 2);
    peer_receive(w, &client, answer, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- by address ------------------------------------------------------------------------------- */

typedef struct door {
    probe probe;
    size_t asked;
    bool is_shut;
    char peer[PLX_ADDRESS_TEXT_MAX], local[PLX_ADDRESS_TEXT_MAX]; /* Of the last one. */
} door;

static int on_peer(void *data, const char *address, const char *local)
{
    door *d = data;
    d->asked++;
    (void)strcpy(d->peer, address);
    (void)strcpy(d->local, local);
    return d->is_shut;
}

/* Asked once about each; who is refused learns that, and the next one is let in. */
static void door_decides(world *w, uint32_t conditional_accept)
{
    door d = {.probe = {.then_data = echo_back}, .is_shut = true};
    char address[PLX_ADDRESS_TEXT_MAX], text[PLX_ADDRESS_TEXT_MAX], answer[2];
    plx_listener listener;
    plx__address name;
    const plx_conn_options conn = probe_options(&d.probe);
    const plx_listen_options options = {
        .conn = &conn, .on_peer = on_peer, .data = &d, .conditional_accept = conditional_accept};
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    for (size_t i = 1; i <= 20; i++) {
        peer refused = peer_start(address);
        turn_until(w, &d.asked, i);
        turn_until_counter(w, accepts_refused, i);
        peer_close(&refused);
    }
    ck_assert_uint_eq(d.probe.opened, 0);
    ck_assert_str_eq(d.local, address);
    d.is_shut = false;
    peer guest = peer_open(w, address);
    turn_until(w, &d.probe.opened, 1);
    ck_ok(net_name(guest.socket, &name));
    ck_ok(plx__address_print(&name, text, sizeof text));
    ck_assert_str_eq(d.peer, text);
    peer_send(w, &guest, "in", 2);
    peer_receive(w, &guest, answer, 2);
    ck_assert_uint_eq(d.asked, 21);
    peer_close(&guest);
    turn_until(w, &d.probe.closed, 1);
    plx_loop_stats stats;
    plx_loop_stats_get(w->loop, &stats);
    ck_assert_uint_eq(stats.accept_pauses, 0);
}

static void peers_are_refused_by_address(world *w)
{
    door_decides(w, 0);
}

static void system_asks_about_peers(world *w)
{
    door_decides(w, 1);
}

/* Without anybody to ask. */
static void conditional_accept_needs_on_peer(world *w)
{
    const plx_listen_options options = {.conditional_accept = 1};
    ck_assert_int_eq(plx_listen(w->loop, NULL, "tcp://127.0.0.1:0", &options), PLX_EINVAL);
}

const test_case behavior_offer_cases[] = {
    CASE(peers_are_refused_by_address),
    CASE(system_asks_about_peers),
    CASE(conditional_accept_needs_on_peer),
    CASE(offered_connection_opens),
    CASE(refused_connection_is_reset),
    CASE(taken_socket_is_the_programs),
    CASE(taken_socket_can_be_closed_or_reset),
    CASE(closed_listener_opens_no_more),
    CASE(paused_listener_accepts_later),
    CASE(listener_pauses_in_its_callback),
    CASE(resumed_listener_minds_the_limit),
    CASE(duplicate_listens_on),
    CASES_END,
};
