/* tests/unit_windows_sweep.c - the completion port: who connects, and stays silent. Over the
 * double.
 */
#include "tests/unit_windows_accept.h"

extern const test_case unit_windows_sweep_cases[];

static void sweep(listening *l, uint32_t seconds)
{
    plx__iocp_accepts_sweep(plx__iocp_of(&l->f.endpoint)->accepts, seconds);
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
    fixture_expect_nothing(&l.f);       /* Nobody has connected. */
    for (int i = 0; i < ACCEPTS; i++) { /* Each that was dropped accepts again. */
        peer_close(&clients[i]);
        clients[i] = peer_start(l.address);
        while (plx__socket_peer(clients[i].socket, &name) != 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(plx__socket_send(clients[i].socket, "x", 1), 1);
        plx__socket_close(expect_accepted(&l, 0).accepted);
        peer_close(&clients[i]);
    }
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
        ck_assert_mem_eq(completion.bytes, "x", 1);
        plx__socket_close(completion.accepted);
        fixture_expect_nothing(&l.f);
        peer_close(&client);
        peer other = peer_start(l.address); /* And one who never speaks is not. */
        while (plx__socket_peer(other.socket, &name) != 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        fixture_expect_nothing(&l.f);
        sweep(&l, 9);
        (void)expect_accepted(&l, PLX_ECONNABORTED);
        winsock_double_silence(UINT32_MAX);
        peer_close(&other);
        listening_close(&l);
    }
}

/* One who has spoken is none of those that are full of silence. */
static void sweep_counts_who_is_silent(world *w)
{
    listening l;
    peer clients[ACCEPTS];
    plx__address name;
    (void)w;
    listening_open(&l, true);
    ck_ok(listening_start(&l));
    uint64_t until = plx__clock_now() + patience();
    for (int i = 0; i < ACCEPTS; i++) {
        clients[i] = peer_start(l.address);
        while (plx__socket_peer(clients[i].socket, &name) != 0)
            ck_assert_uint_lt(plx__clock_now(), until);
    }
    fixture_expect_nothing(&l.f);
    winsock_double_silence(9);
    speak(&clients[1]);
    sweep(&l, 60);
    plx__completion completion = expect_accepted(&l, 0);
    plx__socket_close(completion.accepted);
    fixture_expect_nothing(&l.f);
    winsock_double_silence(UINT32_MAX);
    for (int i = 0; i < ACCEPTS; i++)
        peer_close(&clients[i]);
    listening_close(&l);
}

/* A listener that has one accept in flight, and no sockets for the others; and its client. */
static peer one_open(listening *l)
{
    plx__address name;
    listening_open(l, true);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 1, UINT32_MAX);
    ck_ok(listening_start(l));
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    peer client = peer_start(l->address);
    uint64_t until = plx__clock_now() + patience();
    while (plx__socket_peer(client.socket, &name) != 0)
        ck_assert_uint_lt(plx__clock_now(), until);
    fixture_expect_nothing(&l->f);
    return client;
}

/* Those without a socket are none that somebody could speak to: the one in flight is all. */
static void sweep_counts_what_is_in_flight(world *w)
{
    listening l;
    peer client = one_open(&l);
    (void)w;
    winsock_double_silence(1);
    sweep(&l, 60);
    (void)expect_accepted(&l, PLX_ECONNABORTED);
    winsock_double_silence(UINT32_MAX);
    peer_close(&client);
    listening_close(&l);
}

/* Who speaks when it is too late is told as gone: the socket has been closed by then. */
static void sweep_is_final(world *w)
{
    listening l;
    peer client = one_open(&l);
    (void)w;
    winsock_double_silence(9);
    winsock_double_act(DOUBLE_CLOSE, 0, 1, 0, speak, &client);
    sweep(&l, 1);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    (void)expect_accepted(&l, PLX_ECONNABORTED);
    fixture_expect_nothing(&l.f);
    winsock_double_silence(UINT32_MAX);
    peer_close(&client);
    listening_close(&l);
}

/* A sweep leaves the first bytes alone, though they stand where another accept might, and have been
 * chosen to look like one that is in flight. */
static void sweep_touches_no_bytes(world *w)
{
    unsigned char bytes[2048];
    listening l;
    peer client = one_open(&l);
    unsigned before = winsock_double_accepts_completed();
    (void)w;
    memset(bytes, 2, sizeof bytes);
    memcpy(bytes, "\x03\x01\0\0\0\0\0\0", 8); /* STATUS_PENDING */
    ck_assert_int_eq(plx__socket_send(client.socket, bytes, sizeof bytes), sizeof bytes);
    await_accepts(before + 1);
    winsock_double_silence(9);
    sweep(&l, 1);
    winsock_double_silence(UINT32_MAX);
    plx__completion completion = expect_accepted(&l, 0);
    ck_assert_uint_eq(completion.length, sizeof bytes);
    ck_assert_mem_eq(completion.bytes, bytes, sizeof bytes);
    plx__socket_close(completion.accepted);
    peer_close(&client);
    listening_close(&l);
}

/* A wait drops who has been silent for as long as core allows, of each listener by what it was told
 * for it; once a second, and the loop knows when. */
static void wait_sweeps_when_it_is_due(world *w)
{
    listening l;
    peer client;
    plx__address name;
    (void)w;
    listening_open(&l, true);
    l.config.silence_max = 5;
    plx__backend_report *report = l.f.backend->report;
    ck_assert_uint_eq(report->due_ns, UINT64_MAX);
    uint64_t before = plx__clock_now();
    ck_ok(l.f.ops->accept_start(l.f.backend, &l.f.endpoint, &l.config));
    ck_assert_uint_ge(report->due_ns - before, PLX_SECOND);
    ck_assert_uint_le(report->due_ns, plx__clock_now() + PLX_SECOND);
    client = peer_start(l.address);
    uint64_t until = plx__clock_now() + patience();
    while (plx__socket_peer(client.socket, &name) != 0)
        ck_assert_uint_lt(plx__clock_now(), until);
    for (uint32_t silence = 4; silence <= 5; silence++) {
        report->due_ns = UINT64_MAX;
        winsock_double_silence(9);
        fixture_expect_nothing(&l.f);
        winsock_double_silence(silence);
        before = plx__clock_now();
        report->due_ns = 1;
        if (silence < 5)
            fixture_expect_nothing(&l.f);
        else
            (void)expect_accepted(&l, PLX_ECONNABORTED);
        ck_assert_uint_ge(report->due_ns, before + PLX_SECOND);
        ck_assert_uint_le(report->due_ns, plx__clock_now() + PLX_SECOND);
    }
    winsock_double_silence(UINT32_MAX);
    peer_close(&client);
    ck_assert(l.f.ops->detach(l.f.backend, &l.f.endpoint));
    ck_assert_uint_eq(report->due_ns, UINT64_MAX);
    l.f.ops->close(l.f.backend);
    plx__socket_close(l.socket);
}

const test_case unit_windows_sweep_cases[] = {
    CASE(wait_sweeps_when_it_is_due),     CASE(sweep_has_limits),
    CASE(sweep_keeps_who_has_spoken),     CASE(sweep_counts_who_is_silent),
    CASE(sweep_counts_what_is_in_flight), CASE(sweep_is_final),
    CASE(sweep_touches_no_bytes),         CASES_END,
};
