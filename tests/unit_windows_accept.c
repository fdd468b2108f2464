/* tests/unit_windows_accept.c - the completion port: the sockets that it has accept, over the
 * double.
 */
#include "tests/unit_windows_accept.h"

extern const test_case unit_windows_accept_cases[];

/* More endpoints of one backend. */
typedef struct slot {
    union {
        uint64_t align;
        unsigned char bytes[FIXTURE_FRONT];
    } front;
    plx__endpoint endpoint;
} slot;

/* What AcceptEx fails with is told, or is nobody's loss; and it is posted again, unless the
 * listener is no socket any more. */
static void accepts_that_fail_are_told(world *w)
{
    static const struct {
        int error, status;
        bool is_posted_again;
    } cases[] = {
        {WSAECONNRESET, PLX_ECONNABORTED, true},
        {WSAENOBUFS, PLX_ENOBUFS, true},
        {WSA_OPERATION_ABORTED, 0, true},
        {WSAENOTSOCK, PLX_ENOTSOCK, false},
        {WSAEBADF, PLX_EBADF, false},
    };
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        listening l;
        listening_open(&l, false);
        uint32_t posted = winsock_double_calls(DOUBLE_ACCEPT_EX);
        winsock_double_fail(DOUBLE_ACCEPT_EX, 1, 1, cases[i].error);
        ck_ok(listening_start(&l));
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX) - posted, ACCEPTS);
        if (cases[i].status != 0)
            (void)expect_accepted(&l, cases[i].status);
        fixture_expect_nothing(&l.f);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX) - posted,
                          ACCEPTS + cases[i].is_posted_again);
        for (int n = 0; n < ACCEPTS; n++) { /* Each accepts, one after another. */
            peer client = peer_start(l.address);
            plx__completion completion = expect_accepted(&l, 0);
            plx__socket_close(completion.accepted);
            peer_close(&client);
        }
        listening_close(&l);
    }
}

/* What a listener's connections have of it: NO_DELAY, and a peer. */
static void accepts_bring_what_accept_would(world *w)
{
    (void)w;
    for (int is_set = 0; is_set < 2; is_set++) {
        listening l;
        plx__address peer_name;
        int no_delay = 0;
        int size = sizeof no_delay;
        listening_open(&l, false);
        ck_ok(plx__socket_set(l.socket, PLX__SOCKET_NO_DELAY, is_set));
        ck_ok(listening_start(&l));
        peer client = peer_start(l.address);
        plx__completion completion = expect_accepted(&l, 0);
        ck_assert_uint_eq(completion.length, 0);
        ck_ok(plx__socket_peer(completion.accepted, &peer_name));
        ck_ok(getsockopt(completion.accepted, IPPROTO_TCP, TCP_NODELAY, (char *)&no_delay, &size));
        ck_assert_int_eq(no_delay != 0, is_set);
        ck_ok(plx__socket_shutdown(completion.accepted));
        plx__socket_close(completion.accepted);
        peer_close(&client);
        client = peer_start(l.address);
        winsock_double_fail(DOUBLE_SET, 0, 1, WSAENOTCONN); /* It was reset meanwhile. */
        (void)expect_accepted(&l, PLX_ECONNABORTED);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        peer_close(&client);
        client = peer_start(l.address);
        completion = expect_accepted(&l, 0);
        plx__socket_close(completion.accepted);
        peer_close(&client);
        listening_close(&l);
    }
}

/* The first bytes come with the connection, up to 2 KiB; the rest is received from it. */
static void first_bytes_have_a_bound(world *w)
{
    static unsigned char bytes[3000];
    static unsigned char rest[3000];
    listening l;
    (void)w;
    pattern_fill(bytes, sizeof bytes, 0);
    listening_open(&l, true);
    ck_ok(listening_start(&l));
    for (int i = 0; i < 2 * ACCEPTS; i++) {
        peer client = peer_start(l.address);
        plx__poll_entry entry = {.fd = client.socket, .events = PLX__POLL_WRITE};
        ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
        ck_assert_int_eq(plx__socket_send(client.socket, bytes, sizeof bytes), sizeof bytes);
        plx__completion completion = expect_accepted(&l, 0);
        ck_assert_uint_gt(completion.length, 0);
        ck_assert_uint_le(completion.length, 2048);
        pattern_check(completion.bytes, completion.length, 0);
        uint64_t until = plx__clock_now() + patience();
        for (size_t at = completion.length; at < sizeof bytes;) {
            ptrdiff_t got = plx__socket_receive(completion.accepted, rest, sizeof rest);
            ck_assert_uint_lt(plx__clock_now(), until);
            if (got > 0)
                pattern_check(rest, (size_t)got, at);
            at += got > 0 ? (size_t)got : 0;
        }
        plx__socket_close(completion.accepted);
        peer_close(&client);
    }
    listening_close(&l);
}

/* Without a socket for the next one, all that have come back are held: in their order, for who
 * asks, or until the listener starts again. */
static void accepts_are_held_together(world *w)
{
    (void)w;
    for (int is_taken = 0; is_taken < 3; is_taken++) {
        listening l;
        peer clients[ACCEPTS - 1];
        plx_socket held;
        listening_open(&l, false);
        uint32_t posted = winsock_double_calls(DOUBLE_ACCEPT_EX);
        ck_assert_int_eq(l.f.ops->accept_held(l.f.backend, &l.f.endpoint, &held), PLX_EAGAIN);
        ck_ok(listening_start(&l));
        unsigned before = winsock_double_accepts_completed();
        for (unsigned i = 0; i < ACCEPTS - 1; i++) {
            clients[i] = peer_start(l.address);
            await_accepts(before + i + 1);
        }
        plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
        (void)expect_accepted(&l, PLX_EMFILE);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
        fixture_expect_nothing(&l.f);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX) - posted, ACCEPTS);
        for (int i = 0; i < ACCEPTS - 1 && is_taken < 2; i++) {
            plx__address ours;
            plx__address theirs;
            if (is_taken == 1)
                ck_ok(l.f.ops->accept_held(l.f.backend, &l.f.endpoint, &held));
            if (is_taken == 0 && i == 0) {
                ck_ok(listening_start(&l));
                ck_assert_int_eq(l.f.ops->accept_held(l.f.backend, &l.f.endpoint, &held),
                                 PLX_EAGAIN);
            }
            if (is_taken == 0)
                held = expect_accepted(&l, 0).accepted;
            if (is_taken == 0) { /* The held ones have no context: they have no name. */
                ck_ok(plx__socket_peer(held, &theirs));
                ck_ok(plx__socket_name(clients[i].socket, &ours));
                ck_assert_mem_eq(ours.storage.bytes, theirs.storage.bytes, 8);
            }
            plx__socket_close(held);
        }
        if (is_taken == 1) {
            ck_assert_int_eq(l.f.ops->accept_held(l.f.backend, &l.f.endpoint, &held), PLX_EAGAIN);
            ck_ok(listening_start(&l));
        }
        if (is_taken < 2)
            ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX) - posted, 2 * ACCEPTS - 1);
        listening_close(&l);
        for (int i = 0; i < ACCEPTS - 1; i++)
            peer_close(&clients[i]);
    }
}

/* One that comes while the listener is stopped is brought when it starts again, and what is in
 * flight goes with the listener. */
static void stopped_listener_holds(world *w)
{
    listening l;
    (void)w;
    listening_open(&l, false);
    ck_ok(listening_start(&l));
    l.f.ops->stop(l.f.backend, &l.f.endpoint);
    unsigned before = winsock_double_accepts_completed();
    peer client = peer_start(l.address);
    await_accepts(before + 1);
    fixture_expect_nothing(&l.f);
    ck_ok(listening_start(&l));
    plx_socket accepted = expect_accepted(&l, 0).accepted;
    plx__socket_close(accepted);
    peer_close(&client);
    uint32_t cancels = winsock_double_calls(DOUBLE_CANCEL);
    ck_assert(l.f.ops->detach(l.f.backend, &l.f.endpoint));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels + 1);
    fixture_expect_nothing(&l.f);
    l.f.ops->close(l.f.backend);
    plx__socket_close(l.socket);
}

/* One that closes while it holds all that it can, and nothing is in flight, leaves nothing. */
static void listener_closes_when_all_are_held(world *w)
{
    listening l;
    peer clients[ACCEPTS];
    (void)w;
    listening_open(&l, false);
    ck_ok(listening_start(&l));
    l.f.ops->stop(l.f.backend, &l.f.endpoint);
    unsigned before = winsock_double_accepts_completed();
    for (unsigned i = 0; i < ACCEPTS; i++) {
        clients[i] = peer_start(l.address);
        await_accepts(before + i + 1);
    }
    fixture_expect_nothing(&l.f);
    listening_close(&l);
    for (int i = 0; i < ACCEPTS; i++)
        peer_close(&clients[i]);
}

static void expect_next(fixture *f, const plx__endpoint *endpoint, enum plx__completion_kind kind,
                        int status)
{
    const plx__completion *completion = f->ops->next(f->backend);
    ck_assert_ptr_nonnull(completion);
    ck_assert_ptr_eq(completion->endpoint, endpoint);
    ck_assert_int_eq(completion->kind, kind);
    ck_assert_int_eq(completion->status, status);
    if (kind == PLX__ACCEPTED)
        plx__socket_close(completion->accepted);
}

static plx__endpoint *slot_open(fixture *f, slot *s, plx_socket socket)
{
    memset(s, 0, sizeof *s);
    s->endpoint.token = 2;
    s->endpoint.socket = socket;
    ck_ok(f->ops->attach(f->backend, &s->endpoint, PLX__MADE));
    return &s->endpoint;
}

/* Of what has come back with a connection that there is no socket for, a listener holds its own
 * connections; all else is told, or goes to nobody. */
static void listener_holds_its_own(world *w)
{
    listening l;
    slot other;
    slot sends;
    slot gone;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket held;
    couple c = couple_open();
    couple d = couple_open();
    plx_socket socket = socket_listening(address);
    const plx__slice slice = plx__slice_of("x", 1);
    (void)w;
    listening_open(&l, false);
    fixture *f = &l.f;
    ck_ok(listening_start(&l));
    ck_ok(f->ops->accept_start(f->backend, slot_open(f, &other, socket), &l.config));
    peer clients[3];
    unsigned before = winsock_double_accepts_completed();
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = peer_start(i < 2 ? l.address : address);
        await_accepts(before + i + 1);
    }
    for (int i = 0; i < 10; i++) /* All of them come back, and nobody looks. */
        ck_ok(f->ops->wait(f->backend, PLX_MILLISECOND));
    ck_ok(f->ops->send_start(f->backend, slot_open(f, &sends, c.ours.socket), &slice, 1));
    ck_ok(f->ops->send_start(f->backend, slot_open(f, &gone, d.ours.socket), &slice, 1));
    ck_assert(f->ops->detach(f->backend, &gone.endpoint));
    ck_ok(f->ops->wait(f->backend, 0));
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    expect_next(f, &f->endpoint, PLX__ACCEPTED, PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    expect_next(f, &other.endpoint, PLX__ACCEPTED, 0);
    expect_next(f, &sends.endpoint, PLX__SENT, 0);
    ck_assert_ptr_null(f->ops->next(f->backend));
    for (int i = 0; i < 2; i++) {
        ck_ok(f->ops->accept_held(f->backend, &f->endpoint, &held));
        plx__socket_close(held);
    }
    ck_assert_int_eq(f->ops->accept_held(f->backend, &f->endpoint, &held), PLX_EAGAIN);
    ck_assert_int_eq(f->ops->accept_held(f->backend, &other.endpoint, &held), PLX_EAGAIN);
    ck_assert(f->ops->detach(f->backend, &other.endpoint));
    ck_assert(f->ops->detach(f->backend, &sends.endpoint));
    listening_close(&l);
    plx__socket_close(socket);
    for (int i = 0; i < 3; i++)
        peer_close(&clients[i]);
    couple_close(&c);
    couple_close(&d);
}

/* An accept that fails, and cannot be posted again for want of a socket: while others are in
 * flight, or connections are held, only its own failure is told; and the want when it was the
 * last. */
static void last_accept_tells_of_the_want(world *w)
{
    (void)w;
    for (uint32_t ahead = 1; ahead <= 2; ahead++) {
        listening l;
        listening_open_ahead(&l, false, ahead);
        winsock_double_fail(DOUBLE_ACCEPT_EX, 0, 1, WSAECONNRESET);
        ck_ok(listening_start(&l));
        ck_assert_uint_eq(winsock_double_mend(), 1);
        plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
        (void)expect_accepted(&l, ahead == 1 ? PLX_EMFILE : PLX_ECONNABORTED);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
        listening_close(&l);
    }
    listening l;
    plx__address name;
    plx_socket held;
    listening_open_ahead(&l, true, 2);
    ck_ok(listening_start(&l));
    peer speaks = peer_start(l.address);
    uint64_t until = plx__clock_now() + patience();
    while (plx__socket_peer(speaks.socket, &name) != 0)
        ck_assert_uint_lt(plx__clock_now(), until);
    peer silent = peer_start(l.address);
    while (plx__socket_peer(silent.socket, &name) != 0)
        ck_assert_uint_lt(plx__clock_now(), until);
    fixture_expect_nothing(&l.f);
    ck_assert_int_eq(plx__socket_send(speaks.socket, "x", 1), 1);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 2);
    (void)expect_accepted(&l, PLX_EMFILE);
    winsock_double_silence(9);
    plx__iocp_accepts_sweep(plx__iocp_of(&l.f.endpoint)->accepts, 1);
    (void)expect_accepted(&l, PLX_ECONNABORTED);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 2);
    winsock_double_silence(UINT32_MAX);
    ck_ok(l.f.ops->accept_held(l.f.backend, &l.f.endpoint, &held));
    plx__socket_close(held);
    peer_close(&speaks);
    peer_close(&silent);
    listening_close(&l);
}

static void starting_that_fails_tells_why(world *w)
{
    listening l;
    (void)w;
    listening_open(&l, false);
    winsock_double_fail(DOUBLE_NAME, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(listening_start(&l), PLX_ENOBUFS);
    winsock_double_fail(DOUBLE_IOCTL, 0, 1, WSAEINVAL);
    ck_assert_int_eq(listening_start(&l), PLX_ENOSYS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(listening_start(&l), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    uint32_t posted = winsock_double_calls(DOUBLE_ACCEPT_EX);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(listening_start(&l), PLX_EMFILE); /* Not one. */
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 1, 1);
    ck_ok(listening_start(&l)); /* One will do. */
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX), posted + 1);
    ck_ok(listening_start(&l));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX), posted + ACCEPTS);
    ck_ok(listening_start(&l));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT_EX), posted + ACCEPTS);
    listening_close(&l);
}

const test_case unit_windows_accept_cases[] = {
    CASE(accepts_that_fail_are_told),    CASE(accepts_bring_what_accept_would),
    CASE(first_bytes_have_a_bound),      CASE(accepts_are_held_together),
    CASE(stopped_listener_holds),        CASE(listener_closes_when_all_are_held),
    CASE(listener_holds_its_own),        CASE(last_accept_tells_of_the_want),
    CASE(starting_that_fails_tells_why), CASES_END,
};
