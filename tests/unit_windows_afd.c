/* tests/unit_windows_afd.c - the completion port: what it asks the AFD driver and makes of the
 * answers; and the sockets that it has accept. Over the double. */
#include <pollux/watch.h>
#include <string.h>

#include "platform/os.h"
#include "tests/port_fixture.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_afd_cases[];

/* As AFD has them. */
enum {
    RECEIVE = 0x1,
    SEND = 0x4,
    DISCONNECT = 0x8,
    ABORT = 0x10,
    LOCAL_CLOSE = 0x20,
    ACCEPT = 0x80,
    CONNECT_FAIL = 0x100
};

enum { ACCEPTS = 4 };

#define R PLX_READABLE
#define W PLX_WRITABLE
#define F PLX_FAILED

/* More endpoints of one backend. */
typedef struct slot {
    unsigned char front[FIXTURE_FRONT];
    plx__endpoint endpoint;
} slot;

static plx__endpoint *slot_open(fixture *f, slot *s, plx_socket socket)
{
    memset(s, 0, sizeof *s);
    s->endpoint.token = 2;
    s->endpoint.socket = socket;
    ck_ok(f->ops->attach(f->backend, &s->endpoint));
    return &s->endpoint;
}

/* --- polls -----------------------------------------------------------------------------------
 */

static void answers_have_meanings(world *w)
{
    static const struct {
        uint32_t status, count, events, interest, ready;
    } cases[] = {
        {0, 1, RECEIVE, R, R},
        {0, 1, DISCONNECT, R, R},
        {0, 1, ACCEPT, R, R},
        {0, 1, SEND, W, W},
        {0, 1, SEND, R, 0},
        {0, 1, RECEIVE, W, 0},
        {0, 1, 0, R | W, 0},
        {0, 1, RECEIVE | SEND, R | W, R | W},
        {0, 1, RECEIVE | SEND, W, W},
        {0, 1, ABORT, R, R | F},
        {0, 1, ABORT | RECEIVE, R | W, R | W | F},
        {0, 1, CONNECT_FAIL, W, W | F},
        {0, 1, LOCAL_CLOSE, R, F},
        {0, 1, LOCAL_CLOSE | RECEIVE, R, F},
        {0, 0, RECEIVE, R, 0},
        {0, 2, RECEIVE, R, R},
        {1, 1, RECEIVE, R, R},
        {0xC0000120, 1, RECEIVE, R, 0}, /* It was cancelled. */
        {0xC0000001, 1, RECEIVE, R, F},
        {0xC0000001, 0, RECEIVE, R, F},
    };
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        couple c = couple_open();
        fixture_open(&f, c.ours.socket);
        winsock_double_answer(1, (long)cases[i].status, cases[i].count, cases[i].events);
        ck_ok(f.ops->watch(f.backend, &f.endpoint, cases[i].interest));
        ck_ok(f.ops->wait(f.backend, patience()));
        const plx__completion *completion = f.ops->next(f.backend);
        uint32_t ready = completion != NULL ? completion->ready : 0;
        ck_assert_msg(ready == cases[i].ready, "answer %u is %u", (unsigned)i, ready);
        if (completion != NULL) {
            ck_assert_int_eq(completion->kind, PLX__READY);
            ck_ok(completion->status);
            ck_assert_ptr_eq(completion->endpoint, &f.endpoint);
        }
        ck_assert_ptr_null(f.ops->next(f.backend));
        /* Asked again in the next wait, unless it is over. */
        uint32_t asked = winsock_double_calls(DOUBLE_AFD);
        ck_ok(f.ops->wait(f.backend, 0));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD) - asked, cases[i].ready != F);
        fixture_close(&f);
        couple_close(&c);
    }
}

/* What is asked for follows from the interest; more of it cancels the poll in flight, once, and
 * less does not. */
static void interest_is_asked_for(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    uint32_t cancels = winsock_double_calls(DOUBLE_CANCEL);
    uint32_t polls = winsock_double_calls(DOUBLE_AFD);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD), polls);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert_uint_eq(winsock_double_asked(), 0x1B9);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD), polls + 1);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, W));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels + 1);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R | W));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels + 1);
    plx__completion completion = fixture_completion(&f);
    ck_assert_uint_eq(completion.ready, W);
    ck_assert_uint_eq(winsock_double_asked(), 0x1BD);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, W));
    completion = fixture_completion(&f);
    ck_assert_uint_eq(completion.ready, W);
    ck_assert_uint_eq(winsock_double_asked(), 0x134);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
    fixture_expect_nothing(&f);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    fixture_expect_nothing(&f); /* What was in flight is of no interest. */
    fixture_close(&f);
    couple_close(&c);
}

/* For want of memory it is asked again, after a pause; what else fails ends the watch. */
static void driver_that_fails_is_told(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    winsock_double_fail(DOUBLE_AFD, 0, 2, (int)0xC000009A);
    ck_ok(f.ops->wait(f.backend, patience())); /* Not for so long. */
    ck_assert_ptr_null(f.ops->next(f.backend));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    ck_ok(f.ops->wait(f.backend, patience()));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 2);
    plx__completion completion = fixture_completion(&f);
    ck_assert_uint_eq(completion.ready, R);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 2);
    winsock_double_fail(DOUBLE_AFD, 0, 1, (int)0xC0000008);
    completion = fixture_completion(&f);
    ck_assert_uint_eq(completion.ready, F);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 2);
    fixture_expect_nothing(&f);
    fixture_close(&f);
    couple_close(&c);
}

static void watching_that_fails_tells_why(world *w)
{
    static const struct {
        enum winsock_double_call call;
        uint32_t count;
        int error, status;
    } cases[] = {
        {DOUBLE_IOCTL, 2, WSAEINVAL, PLX_EINVAL},
        {DOUBLE_DEVICE, 1, (int)0xC0000034, PLX_ENOENT},
        {DOUBLE_PORT, 1, ERROR_NOT_ENOUGH_MEMORY, PLX_ENOMEM},
    };
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    for (uint32_t name = 0; name < 3; name++) {
        winsock_double_fail(DOUBLE_FIND, name, 1, ERROR_PROC_NOT_FOUND);
        ck_assert_int_eq(f.ops->watch(f.backend, &f.endpoint, R), PLX_ENOSYS);
        ck_assert_uint_eq(winsock_double_mend(), 1);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        winsock_double_fail(cases[i].call, 0, cases[i].count, cases[i].error);
        ck_assert_int_eq(f.ops->watch(f.backend, &f.endpoint, R), cases[i].status);
        ck_assert_uint_eq(winsock_double_mend(), cases[i].count);
    }
    uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(f.ops->watch(f.backend, &f.endpoint, R), PLX_EMFILE);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    for (uint32_t first = 0; first < 2; first++) {
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        ck_assert_int_eq(f.ops->watch(f.backend, &f.endpoint, R), PLX_ENOMEM);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
    /* By then there is a device, which has no poll. */
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), descriptors + 1);
    uint32_t finds = winsock_double_calls(DOUBLE_FIND);
    winsock_double_fail(DOUBLE_IOCTL, 0, 1, WSAEINVAL); /* The other question is answered. */
    ck_ok(f.ops->watch(f.backend, &f.endpoint, W));
    ck_assert_uint_eq(winsock_double_mend(), 1);
    plx__completion completion = fixture_completion(&f);
    ck_assert_uint_eq(completion.ready, W);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_FIND), finds); /* They are known. */
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), descriptors + 1);
    fixture_close(&f);
    couple_close(&c);
}

/* A device has 32 polls; one that was given back is taken again. */
static void devices_have_32_polls(world *w)
{
    enum { MANY = 33 };
    static slot slots[MANY];
    couple couples[MANY];
    fixture f;
    couple own = couple_open();
    (void)w;
    fixture_open(&f, own.ours.socket);
    uint32_t devices = winsock_double_calls(DOUBLE_DEVICE);
    uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
    for (int i = 0; i < MANY; i++)
        couples[i] = couple_open();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            plx__endpoint *endpoint = slot_open(&f, &slots[i], couples[i].ours.socket);
            ck_ok(f.ops->watch(f.backend, endpoint, R));
            if (round == 0)
                ck_assert_uint_eq(winsock_double_calls(DOUBLE_DEVICE) - devices, i < 32 ? 1 : 2);
        }
        ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory + MANY + 2);
        ck_ok(f.ops->wait(f.backend, 0));
        for (int i = 0; i < MANY; i++)
            ck_assert(f.ops->detach(f.backend, &slots[i].endpoint));
        fixture_expect_nothing(&f); /* They come back to nobody. */
    }
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_DEVICE) - devices, 2);
    for (int i = 0; i < MANY; i++)
        couple_close(&couples[i]);
    fixture_close(&f);
    couple_close(&own);
}

/* A poll whose endpoint has gone, and that is not cancelled yet, has the next one of its socket
 * wait, and no other's. */
static void one_poll_asks_at_a_time(world *w)
{
    fixture f;
    slot first;
    slot second;
    couple c = couple_open();
    couple other = couple_open();
    (void)w;
    fixture_open(&f, other.ours.socket);
    ck_ok(f.ops->watch(f.backend, slot_open(&f, &first, c.ours.socket), R));
    ck_ok(f.ops->wait(f.backend, 0));
    winsock_double_fail(DOUBLE_CANCEL, 0, 1, ERROR_NOT_FOUND);
    ck_assert(f.ops->detach(f.backend, &first.endpoint));
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_ok(f.ops->watch(f.backend, slot_open(&f, &second, c.ours.socket), R));
    uint32_t polls = winsock_double_calls(DOUBLE_AFD);
    fixture_expect_nothing(&f);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD), polls);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    fixture_expect_nothing(&f);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD), polls + 1);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1); /* Which ends the first. */
    const plx__completion *completion;
    uint64_t until = plx__clock_now() + patience();
    while ((completion = f.ops->next(f.backend)) == NULL) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_ok(f.ops->wait(f.backend, 10 * PLX_MILLISECOND));
    }
    ck_assert_ptr_eq(completion->endpoint, &second.endpoint);
    ck_assert_uint_eq(completion->ready, R);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD), polls + 2);
    ck_assert(f.ops->detach(f.backend, &second.endpoint));
    fixture_close(&f);
    couple_close(&c);
    couple_close(&other);
}

/* --- accepts ---------------------------------------------------------------------------------
 */

typedef struct listening {
    fixture f;
    plx_socket socket;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__accept_config config;
} listening;

static void listening_open(listening *l, bool receive_first)
{
    l->socket = socket_listening(l->address);
    l->config = (plx__accept_config){.receive_first = receive_first, .ahead = ACCEPTS};
    fixture_open(&l->f, l->socket);
}

static int listening_start(listening *l)
{
    return l->f.ops->accept_start(l->f.backend, &l->f.endpoint, &l->config);
}

static void listening_close(listening *l)
{
    fixture_close(&l->f);
    plx__socket_close(l->socket);
}

/* Waits until so many accepts have completed, without taking them from the port. */
static void await_accepts(unsigned wanted)
{
    uint64_t until = plx__clock_now() + patience();
    while (winsock_double_accepts_completed() < wanted) {
        ck_assert_uint_lt(plx__clock_now(), until);
        (void)SleepEx(1, TRUE);
    }
}

static plx__completion expect_accepted(listening *l, int status)
{
    plx__completion completion = fixture_completion(&l->f);
    ck_assert_int_eq(completion.kind, PLX__ACCEPTED);
    ck_assert_int_eq(completion.status, status);
    if (status != 0) {
        ck_assert_uint_eq(completion.accepted, PLX_SOCKET_NONE);
        ck_assert_uint_eq(completion.length, 0);
    }
    return completion;
}

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
        peer client = peer_start(l.address); /* The others accept. */
        plx__completion completion = expect_accepted(&l, 0);
        plx__socket_close(completion.accepted);
        peer_close(&client);
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
            if (is_taken == 0 && i == 0)
                ck_ok(listening_start(&l));
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
    l.f.ops->accept_stop(l.f.backend, &l.f.endpoint);
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

/* --- who stays silent ------------------------------------------------------------------------
 */

static void sweep(listening *l, uint32_t seconds)
{
    l->f.ops->accept_sweep(l->f.backend, &l->f.endpoint, seconds);
}

/* Who has been silent for as long as is allowed is dropped; when all hold somebody silent, a second
 * is long enough. */
static void sweep_has_limits(world *w)
{
    listening l;
    peer clients[ACCEPTS];
    plx__address name;
    (void)w;
    listening_open(&l, true);
    sweep(&l, 0); /* It has not been started. */
    ck_ok(listening_start(&l));
    uint64_t until = plx__clock_now() + patience();
    for (int i = 0; i < ACCEPTS; i++) {
        clients[i] = peer_start(l.address);
        while (plx__socket_peer(clients[i].socket, &name) != 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        if (i == 0) {
            winsock_double_silence(4);
            sweep(&l, 5);
            fixture_expect_nothing(&l.f);
            winsock_double_silence(5);
            sweep(&l, 5);
            (void)expect_accepted(&l, PLX_ECONNABORTED);
            peer_close(&clients[0]);
            clients[0] = peer_start(l.address);
            while (plx__socket_peer(clients[0].socket, &name) != 0)
                ck_assert_uint_lt(plx__clock_now(), until);
        }
    }
    fixture_expect_nothing(&l.f); /* All have been accepted by then. */
    winsock_double_silence(0);
    sweep(&l, 60);
    fixture_expect_nothing(&l.f);
    winsock_double_silence(1);
    sweep(&l, 60);
    for (int i = 0; i < ACCEPTS; i++)
        (void)expect_accepted(&l, PLX_ECONNABORTED);
    fixture_expect_nothing(&l.f);
    winsock_double_silence(UINT32_MAX);
    sweep(&l, 0);
    fixture_expect_nothing(&l.f); /* Nobody has connected. */
    for (int i = 0; i < ACCEPTS; i++)
        peer_close(&clients[i]);
    listening_close(&l);
}

static void speak(void *data)
{
    const peer *client = data;
    unsigned before = winsock_double_accepts_completed();
    ck_assert_int_eq(plx__socket_send(client->socket, "x", 1), 1);
    await_accepts(before + 1);
}

/* Who has spoken in time is brought, though the port still has the word of it: before the sweep, or
 * while it looks at the others. */
static void sweep_keeps_who_has_spoken(world *w)
{
    (void)w;
    for (int is_late = 0; is_late < 2; is_late++) {
        listening l;
        plx__address name;
        listening_open(&l, true);
        ck_ok(listening_start(&l));
        peer client = peer_start(l.address);
        uint64_t until = plx__clock_now() + patience();
        while (plx__socket_peer(client.socket, &name) != 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        winsock_double_silence(9);
        if (is_late == 0)
            speak(&client);
        else
            winsock_double_act(DOUBLE_GET, ACCEPTS - 1, 1, 0, speak, &client);
        sweep(&l, 1);
        ck_assert_uint_eq(winsock_double_mend(), (uint32_t)is_late);
        plx__completion completion = expect_accepted(&l, 0);
        ck_assert_uint_eq(completion.length, 1);
        plx__socket_close(completion.accepted);
        fixture_expect_nothing(&l.f);
        winsock_double_silence(UINT32_MAX);
        peer_close(&client);
        listening_close(&l);
    }
}

const test_case unit_windows_afd_cases[] = {
    CASE(answers_have_meanings),      CASE(interest_is_asked_for),
    CASE(driver_that_fails_is_told),  CASE(watching_that_fails_tells_why),
    CASE(devices_have_32_polls),      CASE(one_poll_asks_at_a_time),
    CASE(accepts_that_fail_are_told), CASE(accepts_bring_what_accept_would),
    CASE(first_bytes_have_a_bound),   CASE(accepts_are_held_together),
    CASE(stopped_listener_holds),     CASE(sweep_has_limits),
    CASE(sweep_keeps_who_has_spoken), CASES_END,
};
