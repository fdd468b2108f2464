/* tests/unit_iocp.c - what the completion port has in flight, and what becomes of it.
 *
 * The behaviours say what a user sees; these look at the seam, or count what is held, where a user
 * would see nothing of a mistake until a long time after.
 */
#include <string.h>

#include "backends/iocp/iocp.h"
#include "platform/test_system.h"
#include "tests/port_fixture.h"
#include "tests/watch_probe.h"

extern const test_case unit_iocp_accept_cases[];

enum { ACCEPTS = 16, SEND_MAX = 65536, RECEIVE_BYTES = FIXTURE_RECEIVE_BYTES };

static unsigned char flood[1 << 20];

/* A send that the peer does not take is in flight when its endpoint is detached. Nobody waits for
 * it: the bytes are the caller's again as soon as it has started, and the peer gets those that
 * there were, whatever becomes of them afterwards. */
static void detach_does_not_wait_for_a_send(world *w)
{
    static unsigned char received[65536];
    fixture f;
    couple c = couple_open();
    size_t total = 0;
    size_t wrong = 0;
    (void)w;
    memset(flood, 0x55, sizeof flood);
    fixture_open(&f, c.ours.socket);
    fixture_fill(&f, flood, sizeof flood);
    const plx__slice slice = plx__slice_of(flood, sizeof flood);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    memset(flood, 0xAA, sizeof flood);
    fixture_expect_nothing(&f);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    memset(&f.front, 0xAA, sizeof f.front); /* Nobody looks there any more. */
    fixture_expect_nothing(&f);
    peer_close(&c.ours);
    uint64_t until = plx__clock_now() + patience();
    for (ptrdiff_t got = 1; got > 0 || got == PLX_EAGAIN;) {
        ck_assert_uint_lt(plx__clock_now(), until);
        got = peer_try(&c.theirs, received, sizeof received);
        for (ptrdiff_t i = 0; i < got; i++)
            wrong += received[i] != 0x55;
        total += got > 0 ? (size_t)got : 0;
    }
    ck_assert_uint_gt(total, 0);
    ck_assert_uint_eq(wrong, 0);
    f.ops->close(f.backend);
    couple_close(&c);
}

/* Nor for a receive. */
static void detach_does_not_wait_for_a_receive(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    fixture_expect_nothing(&f);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    memset(&f.front, 0xAA, sizeof f.front); /* Nobody looks there any more. */
    fixture_expect_nothing(&f);
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
        plx__completion completion = fixture_completion(&f);
        ck_assert_int_eq(completion.kind, PLX__SENT);
        ck_ok(completion.status);
        ck_assert_uint_gt(completion.length, 0);
        ck_assert_uint_le(completion.length, SEND_MAX);
        sent += completion.length;
    }
    for (size_t at = 0; at < LENGTH;) {
        ptrdiff_t got = peer_try(&c.theirs, received, sizeof received);
        ck_assert_msg(got > 0 || got == PLX_EAGAIN, "%s", plx_error_name((int)got));
        size_t length = got > 0 ? (size_t)got : 0;
        pattern_check(received, length, at);
        at += length;
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
        f.ops->stop(f.backend, &f.endpoint);
        peer_send(w, &c.theirs, "x", 1);
        fixture_expect_nothing(&f);
        ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
        plx__completion completion = fixture_completion(&f);
        ck_assert_int_eq(completion.kind, PLX__RECEIVED);
        ck_assert_uint_eq(completion.length, 1);
        f.ops->stop(f.backend, &f.endpoint);
    }
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

/* A wait that fails brings what was done before it, which whoever waits next finds. */
static void wait_that_fails_loses_nothing(world *w)
{
    enum { LENGTH = 2 * RECEIVE_BYTES };
    static const unsigned char bytes[LENGTH];
    fixture f;
    couple c = couple_open();
    fixture_open(&f, c.ours.socket);
    peer_send(w, &c.theirs, bytes, LENGTH);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    for (size_t got = 0; got < LENGTH;) {
        plx__completion completion = fixture_completion(&f);
        ck_assert_int_eq(completion.kind, PLX__RECEIVED);
        got += completion.length;
        plx__fault_arm(PLX__FAULT_WAIT, 0, 1);
        ck_assert_int_eq(f.ops->wait(f.backend, 0), PLX_ENOMEM);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_WAIT), 1);
        ck_ok(f.ops->wait(f.backend, 0));
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
        plx__completion completion = fixture_completion(&f);
        ck_assert_int_eq(completion.kind, PLX__CONNECTED);
        ck_assert_int_eq(completion.status, round == 0 ? 0 : PLX_ECONNREFUSED);
        ck_ok(f.ops->receive_start(f.backend, &f.endpoint)); /* It joins the port only now. */
        ck_assert(f.ops->detach(f.backend, &f.endpoint));
        f.ops->close(f.backend);
        plx__socket_close(socket);
        plx__socket_close(listener);
        if (round == 0)
            listener = socket_refusing(address);
    }
}

/* Those who are silent are dropped and told of as gone, and their places work again. One who speaks
 * at that moment is dropped or brought, whichever came first; what is brought is a connection. */
static void sweep_meets_who_speaks(world *w)
{
    enum { ROUNDS = 3 * ACCEPTS };
    const plx__accept_config config = {.receive_first = true};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    size_t brought = 0;
    size_t dropped = 0;
    fixture f;
    (void)w;
    fixture_open(&f, listener);
    ck_ok(f.ops->accept_start(f.backend, &f.endpoint, &config));
    for (int round = 0; round < ROUNDS; round++) {
        peer client = peer_start(address);
        plx__address name;
        uint64_t until = plx__clock_now() + patience();
        while (plx__socket_peer(client.socket, &name) != 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        if (round % 2 == 0)
            ck_assert_int_eq(plx__socket_send(client.socket, "x", 1), 1);
        plx__iocp_accepts_sweep(plx__iocp_of(&f.endpoint)->accepts, 0);
        /* Who has not been accepted so far is dropped by a later sweep. */
        const plx__completion *completion;
        while ((completion = f.ops->next(f.backend)) == NULL) {
            ck_assert_uint_lt(plx__clock_now(), until);
            plx__iocp_accepts_sweep(plx__iocp_of(&f.endpoint)->accepts, 0);
            ck_ok(f.ops->wait(f.backend, PLX_MILLISECOND));
        }
        ck_assert_int_eq(completion->kind, PLX__ACCEPTED);
        if (completion->status == 0) {
            ck_ok(plx__socket_peer(completion->accepted, &name));
            ck_assert_uint_eq(completion->length, 1);
            plx__socket_close(completion->accepted);
            brought++;
        } else {
            ck_assert_int_eq(completion->status, PLX_ECONNABORTED);
            dropped++;
        }
        peer_close(&client);
    }
    ck_assert_uint_ge(dropped, ROUNDS / 2);
    ck_assert_uint_gt(brought, 0);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    plx__socket_close(listener);
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

/* A watched socket can join its owner's port, before or during the watch, which goes on; a
 * connection's own cannot any more. */
static void watch_leaves_the_port_to_the_owner(world *w)
{
    couple c = couple_open();
    watch_probe s = {0};
    plx_watch watch;
    char byte;
    loop_open(w);
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &s));
    peer_send(w, &c.theirs, "x", 1);
    turn_until(w, &s.count, 1);
    ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 1);
    ck_ok(plx__test_port(c.ours.socket));
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
    ck_assert_int_eq(plx__test_port(own.ours.socket), PLX_EINVAL);
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
        watch_probe s = {0};
        plx_watch watch;
        char byte;
        for (int i = 0; i < 5; i++) {
            ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &s));
            if (i % 2 == 0)
                turn(w);
            ck_ok(plx_watch_close(w->loop, watch));
        }
        ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &s));
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
    static watch_probe probes[MANY];
    plx_watch watches[MANY];
    loop_open(w);
    for (int i = 0; i < MANY; i++) {
        couples[i] = couple_open();
        ck_ok(plx_watch_open(w->loop, &watches[i], couples[i].ours.socket, PLX_READABLE,
                             count_ready, &probes[i]));
    }
    turn_some(w);
    for (int i = 0; i < MANY; i += 3)
        peer_send(w, &couples[i].theirs, "x", 1);
    for (int i = 0; i < MANY; i += 3) {
        if (probes[i].count == 0)
            turn_until(w, &probes[i].count, 1);
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(probes[i].count > 0, i % 3 == 0);
        ck_ok(plx_watch_close(w->loop, watches[i]));
        couple_close(&couples[i]);
    }
}

/* --- with a loop: sends in flight --------------------------------------------------------------
 */

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
        size_t wrong = 0;
        for (ptrdiff_t i = 0; i < got; i++)
            wrong += received[i] != 0x55;
        ck_assert_uint_eq(wrong, 0); /* Each assertion costs a write to a file. */
    }
    peer_close(&client);
}

static const test_case unit_iocp_cases[] = {
    CASE(detach_does_not_wait_for_a_send),
    CASE(detach_does_not_wait_for_a_receive),
    CASE(close_waits_for_what_is_in_flight),
    CASE(send_flies_in_pieces),
    CASE(receive_stops_and_goes_on),
    CASE(wait_that_fails_loses_nothing),
    CASE(connect_by_poll),
    CASE(sweep_meets_who_speaks),
    CASE(wakes_are_one),
    CASE(watch_leaves_the_port_to_the_owner),
    CASE(watch_follows_upon_a_watch),
    CASE(watches_share_devices),
    CASE(close_cancels_a_send_in_flight),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {unit_iocp_cases, unit_iocp_accept_cases, NULL};
    return suite_main(argc, argv, groups, false);
}
