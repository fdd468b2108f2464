/* tests/unit_iocp.c - what the completion port has in flight, and what becomes of it.
 *
 * The behaviours say what a user sees; these look at the seam, or count what is held, where a user
 * would see nothing of a mistake until a long time after.
 */
#include <string.h>

#include "backends/backend.h"
#include "platform/rehearsal.h"
#include "tests/harness.h"

enum { ACCEPTS = 16, SEND_MAX = 65536, FRONT = 64 };

/* --- the backend without a loop ----------------------------------------------------------------
 */

/* An endpoint, and the backend's own bytes in front of it. */
typedef struct fixture {
    const plx__backend_ops *ops;
    plx__backend *backend;
    union {
        uint64_t align;
        unsigned char bytes[FRONT];
    } front;
    plx__endpoint endpoint;
} fixture;

static void fixture_open(fixture *f, plx_socket socket)
{
    memset(f, 0, sizeof *f);
    f->ops = plx__backend_find("iocp");
    ck_assert_uint_le(f->ops->endpoint_bytes, FRONT);
    ck_ok(f->ops->open(&f->backend, &(plx__backend_config){.receive_bytes = 4096}));
    f->endpoint.token = 1;
    f->endpoint.socket = socket;
    ck_ok(f->ops->attach(f->backend, &f->endpoint));
}

/* The next completion, which must come. */
static plx__completion completion_of(fixture *f)
{
    const plx__completion *completion;
    uint64_t until = plx__clock_now() + patience();
    while ((completion = f->ops->next(f->backend)) == NULL) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_ok(f->ops->wait(f->backend, 10 * PLX_MILLISECOND));
    }
    ck_assert_ptr_eq(completion->endpoint, &f->endpoint);
    return *completion;
}

/* What must not come has its chance. */
static void expect_nothing(fixture *f)
{
    for (int i = 0; i < 10; i++) {
        ck_ok(f->ops->wait(f->backend, PLX_MILLISECOND));
        ck_assert_ptr_null(f->ops->next(f->backend));
    }
}

/* Fills what the system takes at once. */
static void fill(fixture *f, const unsigned char *bytes, size_t length)
{
    for (int idle = 0; idle < 3;) {
        ptrdiff_t sent = f->ops->send_now(f->backend, &f->endpoint, bytes, length);
        ck_assert_int_ge(sent, 0);
        idle = sent == 0 ? idle + 1 : 0;
        ck_ok(f->ops->wait(f->backend, 0));
    }
}

static unsigned char flood[1 << 20];

/* A send that the peer does not take is in flight when its endpoint is detached: the bytes stay the
 * kernel's until PLX__DETACHED, which comes once, and nothing else does. */
static void detach_waits_for_a_send(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    fill(&f, flood, sizeof flood);
    const plx__slice slice = plx__slice_of(flood, sizeof flood);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    expect_nothing(&f);
    ck_assert(!f.ops->detach(f.backend, &f.endpoint));
    plx__completion completion = completion_of(&f);
    ck_assert_int_eq(completion.kind, PLX__DETACHED);
    expect_nothing(&f);
    f.ops->close(f.backend);
    couple_close(&c);
}

/* Without one there is nothing to wait for, whatever else is in flight. */
static void detach_does_not_wait_for_a_receive(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    expect_nothing(&f);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    memset(&f.front, 0xAA, sizeof f.front); /* Nobody looks there any more. */
    expect_nothing(&f);
    f.ops->close(f.backend);
    couple_close(&c);
}

/* The backend is closed while the kernel still has an operation of an endpoint that has gone. */
static void close_waits_for_what_is_in_flight(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

/* A send flies in bounded pieces, each told when it is taken, so that a slow reader's progress is
 * seen; and in order. */
static void send_flies_in_pieces(world *w)
{
    enum { LENGTH = 3 * SEND_MAX + 1 };
    static unsigned char bytes[LENGTH];
    static unsigned char received[65536];
    fixture f;
    couple c = couple_open();
    size_t sent = 0;
    (void)w;
    pattern_fill(bytes, sizeof bytes, 0);
    fixture_open(&f, c.ours.socket);
    while (sent < LENGTH) {
        const plx__slice slices[2] = {plx__slice_of(bytes + sent, 1),
                                      plx__slice_of(bytes + sent + 1, LENGTH - sent - 1)};
        ck_ok(f.ops->send_start(f.backend, &f.endpoint, slices, LENGTH - sent > 1 ? 2 : 1));
        plx__completion completion = completion_of(&f);
        ck_assert_int_eq(completion.kind, PLX__SENT);
        ck_ok(completion.status);
        ck_assert_uint_gt(completion.length, 0);
        ck_assert_uint_le(completion.length, SEND_MAX);
        sent += completion.length;
    }
    for (size_t at = 0; at < LENGTH;) {
        ptrdiff_t got = peer_try(&c.theirs, received, sizeof received);
        ck_assert_msg(got > 0 || got == PLX_EAGAIN, "%s", plx_error_name((int)got));
        for (ptrdiff_t i = 0; i < got; i++)
            ck_assert_uint_eq(received[i], pattern(at + (size_t)i));
        at += got > 0 ? (size_t)got : 0;
    }
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

/* What is stopped before its receive has come back is not told, and is not lost. */
static void receive_stops_and_goes_on(world *w)
{
    fixture f;
    couple c = couple_open();
    fixture_open(&f, c.ours.socket);
    for (int round = 0; round < 20; round++) {
        ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
        if (round % 2 == 0)
            ck_ok(f.ops->wait(f.backend, 0));
        f.ops->receive_stop(f.backend, &f.endpoint);
        peer_send(w, &c.theirs, "x", 1);
        expect_nothing(&f);
        ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
        plx__completion completion = completion_of(&f);
        ck_assert_int_eq(completion.kind, PLX__RECEIVED);
        ck_assert_uint_eq(completion.length, 1);
        f.ops->receive_stop(f.backend, &f.endpoint);
    }
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

/* The way in which Unix-domain sockets connect, over TCP: Wine has none of the others. */
static void connect_by_poll(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    (void)w;
    for (int round = 0; round < 2; round++) {
        fixture f;
        plx_socket socket;
        plx__address name;
        ck_ok(plx__address_parse(&name, address));
        ck_ok(plx__socket_open(&socket, name.family));
        fixture_open(&f, socket);
        name.family = PLX__FAMILY_UNIX; /* As the backend is to believe. */
        ck_ok(f.ops->connect(f.backend, &f.endpoint, &name));
        plx__completion completion = completion_of(&f);
        ck_assert_int_eq(completion.kind, PLX__CONNECTED);
        ck_assert_int_eq(completion.status, round == 0 ? 0 : PLX_ECONNREFUSED);
        ck_ok(f.ops->receive_start(f.backend, &f.endpoint)); /* It joins the port only now. */
        ck_assert(f.ops->detach(f.backend, &f.endpoint));
        f.ops->close(f.backend);
        plx__socket_close(socket);
        if (round == 0)
            plx__socket_close(listener); /* For the second to be refused. */
    }
}

/* However many wakes there were, they end one wait. */
static void wakes_are_one(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) /* More than one wait takes from the port. */
            f.ops->wake(f.backend);
        ck_ok(f.ops->wait(f.backend, patience()));
        uint64_t before = plx__clock_now();
        ck_ok(f.ops->wait(f.backend, 5 * PLX_MILLISECOND));
        ck_assert_uint_ge(plx__clock_now() - before, 5 * PLX_MILLISECOND);
    }
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

/* --- with a loop: which sockets join the port --------------------------------------------------
 */

static void loop_open(world *w)
{
    w->configuration = w->backend = "iocp";
    w->loop = world_loop_open(w);
}

typedef struct seen {
    size_t count;
    uint32_t ready;
} seen;

static void see(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    seen *s = data;
    (void)loop;
    (void)watch;
    (void)socket;
    s->count++;
    s->ready = ready;
}

/* A watched socket can join its owner's port, before or during the watch, which goes on; a
 * connection's own cannot any more. */
static void watch_leaves_the_port_to_the_owner(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    char byte;
    loop_open(w);
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
    peer_send(w, &c.theirs, "x", 1);
    turn_until(w, &s.count, 1);
    ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 1);
    ck_ok(plx__rehearse_port(c.ours.socket));
    turn_some(w);
    size_t before = s.count;
    peer_send(w, &c.theirs, "x", 1);
    turn_until(w, &s.count, before + 1);
    ck_assert_uint_eq(s.ready, PLX_READABLE);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);

    fixture f;
    couple own = couple_open();
    fixture_open(&f, own.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    ck_assert_int_eq(plx__rehearse_port(own.ours.socket), PLX_EINVAL);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&own);
}

/* Closed and opened on the same socket, over and over within a turn: one poll asks at a time, and
 * what happens is told. (Wine would not mix up two of them.) */
static void watch_follows_upon_a_watch(world *w)
{
    couple c = couple_open();
    loop_open(w);
    for (int round = 0; round < 20; round++) {
        seen s = {0};
        plx_watch watch;
        char byte;
        for (int i = 0; i < 5; i++) {
            ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
            if (i % 2 == 0)
                turn(w);
            ck_ok(plx_watch_close(w->loop, watch));
        }
        ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
        peer_send(w, &c.theirs, "x", 1);
        turn_until(w, &s.count, 1);
        ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 1);
        ck_ok(plx_watch_close(w->loop, watch));
    }
    couple_close(&c);
}

/* More watches than one device of the driver takes; each is told of its own. */
static void watches_share_devices(world *w)
{
    enum { MANY = 70 };
    static couple couples[MANY];
    static seen seens[MANY];
    plx_watch watches[MANY];
    loop_open(w);
    for (int i = 0; i < MANY; i++) {
        couples[i] = couple_open();
        ck_ok(plx_watch_open(w->loop, &watches[i], couples[i].ours.socket, PLX_READABLE, see,
                             &seens[i]));
    }
    turn_some(w);
    for (int i = 0; i < MANY; i += 3)
        peer_send(w, &couples[i].theirs, "x", 1);
    for (int i = 0; i < MANY; i += 3) {
        if (seens[i].count == 0)
            turn_until(w, &seens[i].count, 1);
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(seens[i].count > 0, i % 3 == 0);
        ck_ok(plx_watch_close(w->loop, watches[i]));
        couple_close(&couples[i]);
    }
}

/* --- with a loop: accepts that are posted ahead ------------------------------------------------
 */

static uint32_t descriptors(void)
{
    return plx__fault_held(PLX__FAULT_DESCRIPTOR);
}

static bool descriptors_are_few(void *data)
{
    return descriptors() <= *(uint32_t *)data;
}

/* Sixteen sockets wait for connections; when the listener closes they go, in the turns after. */
static void accepts_are_posted_ahead(world *w)
{
    plx_listener listener;
    loop_open(w);
    uint32_t before = descriptors();
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL));
    ck_assert_uint_eq(descriptors(), before + 1 + ACCEPTS);
    ck_ok(plx_listener_close(w->loop, listener));
    turn_until_true(w, descriptors_are_few, &before);
}

static void close_the_listener(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    ck_ok(plx_listener_close(loop, *(plx_listener *)p->more));
}

/* All sixteen come back in one turn, and the first one's on_open closes the listener: nobody else
 * is opened, and each of the others is told of the end. */
static void listener_closes_over_what_has_come_back(world *w)
{
    plx_listener listener;
    probe p = {.then_open = close_the_listener, .more = &listener};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[ACCEPTS];
    size_t count;
    loop_open(w);
    uint32_t before = descriptors();
    listener = listen_at(w, &options, address);
    for (int i = 0; i < ACCEPTS; i++)
        peers[i] = peer_start(address);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    ck_ok(plx_conn_close(w->loop, p.conn));
    for (int i = 0; i < ACCEPTS; i++) {
        (void)peer_drain(w, &peers[i], &count);
        ck_assert_uint_eq(count, 0);
        peer_close(&peers[i]);
    }
    turn_until_true(w, descriptors_are_few, &before);
}

/* One connection is all that the loop takes: those that come back then are held, and go on when it
 * closes, or go with the listener. */
static void listener_closes_over_those_it_holds(world *w)
{
    enum { PEERS = ACCEPTS + 5 };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[PEERS];
    loop_open(w);
    uint32_t before = descriptors();
    world_reopen(w, (plx_loop_options){.connections_max = 1});
    plx_listener listener = listen_at(w, &options, address);
    for (int i = 0; i < PEERS; i++)
        peers[i] = peer_start(address);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.opened, 2);
    ck_assert_uint_eq(counter(w, accepts_rejected), 0);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 2);
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    turn_until_true(w, descriptors_are_few, &before);
}

/* A listener that got only some of its sockets works, and gets the rest with what comes next. */
static void listener_fills_up(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    loop_open(w);
    uint32_t before = descriptors();
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 4, UINT32_MAX);
    (void)listen_at(w, &options, address);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    ck_assert_uint_eq(descriptors(), before + 1 + 3);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_assert_uint_eq(descriptors(), before + 1 + ACCEPTS + 2); /* Both ends of the connection. */
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A turn in which there is no descriptor at first, but again what is let go. */
static void turn_without_descriptors(world *w)
{
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    turn(w);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
}

/* There is no descriptor for so long that every place is lost. Whoever connects is turned away, all
 * the same; and when there are descriptors, the listener is as it was. */
static void listener_recovers_from_having_none(world *w)
{
    enum { PEERS = 2 * ACCEPTS };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__address name;
    peer peers[PEERS];
    peer late;
    unsigned char byte;
    loop_open(w);
    uint32_t before = descriptors();
    (void)listen_at(w, &options, address);
    ck_ok(plx__address_parse(&name, address));
    ck_ok(plx__socket_open(&late.socket, name.family));
    for (int i = 0; i < PEERS; i++)
        peers[i] = peer_start(address);
    uint64_t until = plx__clock_now() + patience();
    while (counter(w, accept_pauses) < 3) {
        ck_assert_uint_lt(plx__clock_now(), until);
        turn_without_descriptors(w);
    }
    ck_assert_uint_eq(descriptors(), before + 1 + PEERS + 1); /* No place has a socket left. */
    int status = plx__socket_connect(late.socket, &name);
    ck_assert(status == 0 || status == PLX_EAGAIN);
    until = plx__clock_now() + patience();
    while (plx__socket_peer(late.socket, &name) != 0 || peer_try(&late, &byte, 1) == PLX_EAGAIN) {
        ck_assert_uint_lt(plx__clock_now(), until);
        turn_without_descriptors(w);
    }
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_uint_eq(counter(w, accepts_rejected), PEERS + 1);
    peer client = peer_open(w, address);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.received, 1);
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    peer_close(&late);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(descriptors(), before + 1 + ACCEPTS);
}

/* A buffer that was lent comes back after the send that refers to it, never before. */
typedef struct loan {
    size_t returned;
    const probe *of;
} loan;

static void on_returned(plx_loop *loop, plx_conn conn, void *data, int status)
{
    loan *l = data;
    (void)loop;
    (void)conn;
    ck_assert_int_eq(status, PLX_ECANCELED);
    ck_assert_uint_eq(l->of->closed, 0);
    memset(flood, 0xAA, sizeof flood); /* It is ours again. */
    l->returned++;
}

static void close_cancels_a_send_in_flight(world *w)
{
    probe p = {0};
    loan l = {.of = &p};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 64 * sizeof flood;
    loop_open(w);
    memset(flood, 0x55, sizeof flood);
    peer client = connect_pair(w, &p, &options);
    for (int i = 0; i < 16; i++)
        ck_ok(plx_conn_send(w->loop, p.conn, flood, sizeof flood, NULL, NULL));
    ck_ok(plx_conn_send(w->loop, p.conn, flood, sizeof flood, on_returned, &l));
    turn_some(w);
    ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), sizeof flood);
    ck_ok(plx_conn_close(w->loop, p.conn));
    ck_assert_uint_eq(l.returned, 0);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(l.returned, 1);
    /* What the peer gets is what was there before the buffer came back. */
    static unsigned char received[65536];
    for (ptrdiff_t got; (got = peer_try(&client, received, sizeof received)) != 0;) {
        if (got < 0 && got != PLX_EAGAIN)
            break;
        for (ptrdiff_t i = 0; i < got; i++)
            ck_assert_uint_eq(received[i], 0x55);
    }
    peer_close(&client);
}

static const test_case unit_iocp_cases[] = {
    CASE(detach_waits_for_a_send),
    CASE(detach_does_not_wait_for_a_receive),
    CASE(close_waits_for_what_is_in_flight),
    CASE(send_flies_in_pieces),
    CASE(receive_stops_and_goes_on),
    CASE(connect_by_poll),
    CASE(wakes_are_one),
    CASE(watch_leaves_the_port_to_the_owner),
    CASE(watch_follows_upon_a_watch),
    CASE(watches_share_devices),
    CASE(accepts_are_posted_ahead),
    CASE(listener_closes_over_what_has_come_back),
    CASE(listener_closes_over_those_it_holds),
    CASE(listener_fills_up),
    CASE(listener_recovers_from_having_none),
    CASE(close_cancels_a_send_in_flight),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {unit_iocp_cases, NULL};
    return suite_main(argc, argv, groups, false);
}
