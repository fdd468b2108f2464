/* tests/unit_windows_port.c - what the completion port makes of calls that fail, and of what the
 * AFD driver says. Over the double, which has the calls fail and answers for the driver. */
#include <pollux/watch.h>
#include <string.h>

#include "platform/os.h"
#include "tests/port_fixture.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_port_cases[];

enum { ACCEPTS = 4, SEND_MAX = 65536 };

static unsigned char zeroes[1 << 20];

/* The next completion has this kind, and this status, for kinds that have one. */
static plx__completion expect(fixture *f, enum plx__completion_kind kind, int status)
{
    plx__completion completion = fixture_completion(f);
    ck_assert_int_eq(completion.kind, kind);
    if (kind != PLX__RECEIVED && kind != PLX__RELEASED)
        ck_assert_int_eq(completion.status, status);
    return completion;
}

/* --- opening and waiting ---------------------------------------------------------------------
 */

static void opening_that_fails_tells_why(world *w)
{
    static const struct {
        enum winsock_double_call call;
        int error, status;
    } cases[] = {
        {DOUBLE_PORT, ERROR_NOT_ENOUGH_MEMORY, PLX_ENOMEM},
        {DOUBLE_SOCKET, WSAEMFILE, PLX_EMFILE},
        {DOUBLE_IOCTL, WSAEINVAL, PLX_ENOSYS},
    };
    const plx__backend_ops *ops = plx__backend_find("iocp");
    plx__backend *backend;
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        winsock_double_fail(cases[i].call, 0, 1, cases[i].error);
        ck_assert_int_eq(ops->open(&backend, &fixture_config), cases[i].status);
        ck_assert_int_eq(plx_os_error(), cases[i].error);
        ck_assert_uint_eq(winsock_double_mend(), 1);
    }
    winsock_double_fail(DOUBLE_IOCTL, 1, 1, WSAEINVAL); /* ConnectEx. */
    ck_assert_int_eq(ops->open(&backend, &fixture_config), PLX_ENOSYS);
    for (uint32_t first = 0; first < 2; first++) {
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        ck_assert_int_eq(ops->open(&backend, &fixture_config), PLX_ENOMEM);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
}

typedef struct waker {
    fixture *f;
    unsigned calls;
} waker;

static void wake_too(void *data)
{
    waker *merged = data;
    merged->calls++;
    merged->f->ops->wake(merged->f->backend);
}

/* A wait for as long as patience is ended by a wake. */
static void expect_wake(fixture *f)
{
    uint64_t before = plx__clock_now();
    ck_ok(f->ops->wait(f->backend, patience()));
    ck_assert_uint_lt(plx__clock_now() - before, patience());
    ck_assert_ptr_null(f->ops->next(f->backend));
}

/* The port takes no wake for a moment; others, who wake meanwhile, rely on the one that is being
 * posted. */
static void wake_that_fails_is_posted_again(world *w)
{
    fixture f;
    waker merged = {.f = &f};
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    winsock_double_act(DOUBLE_POST, 0, 3, ERROR_NOT_ENOUGH_MEMORY, wake_too, &merged);
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    uint32_t posts = winsock_double_calls(DOUBLE_POST);
    f.ops->wake(f.backend);
    ck_assert_uint_eq(winsock_double_mend(), 3);
    ck_assert_uint_eq(merged.calls, 3);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_POST) - posts, 4);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP) - sleeps, 3);
    expect_wake(&f);
    /* One that is given up leaves the next to try. */
    winsock_double_fail(DOUBLE_POST, 0, UINT32_MAX, ERROR_NOT_ENOUGH_MEMORY);
    f.ops->wake(f.backend);
    ck_assert_uint_eq(winsock_double_mend(), 1000);
    f.ops->wake(f.backend);
    expect_wake(&f);
    fixture_close(&f);
    couple_close(&c);
}

/* Waits that end early go on; what they are given is what is left. Other failures are told. */
static void waits_keep_their_time(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    uint64_t before = plx__clock_now();
    winsock_double_fail(DOUBLE_DEQUEUE, 0, 3, WAIT_TIMEOUT);
    ck_ok(f.ops->wait(f.backend, 20 * PLX_MILLISECOND));
    ck_assert_uint_eq(winsock_double_mend(), 3);
    ck_assert_uint_ge(plx__clock_now() - before, 20 * PLX_MILLISECOND);
    ck_assert_int_le(winsock_double_timeout(), 20);
    f.ops->wake(f.backend);
    ck_ok(f.ops->wait(f.backend, PLX_FOREVER));
    f.ops->wake(f.backend);
    winsock_double_fail(DOUBLE_DEQUEUE, 0, 2, WAIT_TIMEOUT);
    ck_ok(f.ops->wait(f.backend, PLX_FOREVER)); /* It has no end of its own. */
    ck_assert_uint_eq(winsock_double_mend(), 2);
    uint32_t calls = winsock_double_calls(DOUBLE_DEQUEUE);
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_DEQUEUE), calls + 1);
    ck_assert_int_eq(winsock_double_timeout(), 0);
    winsock_double_fail(DOUBLE_DEQUEUE, 0, 1, ERROR_NOT_ENOUGH_MEMORY);
    ck_assert_int_eq(f.ops->wait(f.backend, PLX_SECOND), PLX_ENOMEM);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    /* As long as a time can be, and one that would overflow. */
    for (uint64_t timeout = PLX_FOREVER - 1; timeout > PLX_FOREVER / 4; timeout /= 2) {
        f.ops->wake(f.backend);
        winsock_double_fail(DOUBLE_DEQUEUE, 0, 1, WAIT_TIMEOUT);
        expect_wake(&f);
        f.ops->wake(f.backend);
        winsock_double_fail(DOUBLE_DEQUEUE, 0, 2, WAIT_TIMEOUT);
        ck_ok(f.ops->wait(f.backend, timeout));
        ck_assert_uint_eq(winsock_double_mend(), 2);
    }
    fixture_close(&f);
    couple_close(&c);
}

/* What is on its way through the backend's lists when it closes is freed with it: to be started,
 * done at once, or brought by a wait that nobody has looked at. One that was brought is not
 * cancelled, and a wait that fails is tried again, after a pause. */
static void closing_frees_what_is_on_its_way(world *w)
{
    const plx__slice slice = plx__slice_of("x", 1);
    (void)w;
    for (int i = 0; i < 4; i++) {
        fixture f;
        couple c = couple_open();
        fixture_open(&f, c.ours.socket);
        if (i == 1)
            ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
        else
            ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
        if (i >= 2)
            ck_ok(f.ops->wait(f.backend, 0));
        if (i == 2) {
            ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
            ck_ok(f.ops->wait(f.backend, patience()));
        }
        uint32_t cancels = winsock_double_calls(DOUBLE_CANCEL);
        ck_assert(f.ops->detach(f.backend, &f.endpoint));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL) - cancels, i == 3);
        uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
        winsock_double_fail(DOUBLE_DEQUEUE, 0, i == 3 ? 2 : 0, ERROR_NOT_ENOUGH_MEMORY);
        (void)winsock_double_longest_timeout();
        f.ops->close(f.backend);
        ck_assert_int_eq(winsock_double_longest_timeout(), i == 3 ? 100 : 0); /* In flight: 3. */
        ck_assert_uint_eq(winsock_double_mend(), i == 3 ? 2 : 0);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP) - sleeps, i == 3 ? 2 : 0);
        couple_close(&c);
    }
}

/* --- joining and leaving the port ------------------------------------------------------------
 */

static void joining_that_fails_tells_why(world *w)
{
    fixture f;
    couple c = couple_open();
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    const plx__slice slice = plx__slice_of("x", 1);
    const plx__accept_config config = {.receive_first = false};
    plx_socket listener = socket_listening(text);
    plx_socket socket;
    (void)w;
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__socket_open(&socket, address.family));
    fixture_open(&f, c.ours.socket);
    winsock_double_fail(DOUBLE_PORT, 0, UINT32_MAX, ERROR_ACCESS_DENIED);
    ck_assert_int_eq(f.ops->receive_start(f.backend, &f.endpoint), PLX_EACCES);
    ck_assert_int_eq(f.ops->send_start(f.backend, &f.endpoint, &slice, 1), PLX_EACCES);
    ck_assert_int_eq(f.ops->attach(f.backend, &f.endpoint, PLX__ADOPTED), PLX_EACCES);
    f.endpoint.socket = socket;
    ck_assert_int_eq(f.ops->connect(f.backend, &f.endpoint, &address), PLX_EACCES);
    f.endpoint.socket = listener;
    ck_assert_int_eq(f.ops->accept_start(f.backend, &f.endpoint, &config), PLX_EACCES);
    winsock_double_fail(DOUBLE_PORT, 0, 1, ERROR_INVALID_PARAMETER);
    f.endpoint.socket = c.ours.socket;
    ck_assert_int_eq(f.ops->attach(f.backend, &f.endpoint, PLX__ADOPTED), PLX_EBUSY);
    (void)winsock_double_mend();
    /* It joins once, whatever follows. */
    uint32_t joins = winsock_double_calls(DOUBLE_PORT);
    uint32_t modes = winsock_double_calls(DOUBLE_MODES);
    ck_ok(f.ops->attach(f.backend, &f.endpoint, PLX__ADOPTED));
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_PORT), joins + 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_MODES), modes + 1);
    ck_assert_int_eq(winsock_double_modes(), 3);
    fixture_close(&f);
    plx__socket_close(socket);
    plx__socket_close(listener);
    couple_close(&c);
}

/* One whose sockets may not be the kernel's handles asks for no skipping, and is told by the port
 * of what it did at once. */
static void sockets_of_others_do_not_skip(world *w)
{
    fixture f;
    couple c = couple_open();
    const plx__slice slice = plx__slice_of("x", 1);
    (void)w;
    winsock_double_fail(DOUBLE_GET, 0, 1, WSAEINVAL);
    fixture_open(&f, c.ours.socket);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    uint32_t modes = winsock_double_calls(DOUBLE_MODES);
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_MODES), modes);
    plx__completion completion = expect(&f, PLX__SENT, 0);
    ck_assert_uint_eq(completion.length, 1);
    fixture_expect_nothing(&f);
    fixture_close(&f);
    couple_close(&c);
}

/* A socket that has joined leaves the port when it is released, one that has not does not; and what
 * is in flight is cancelled first, once. */
static void released_sockets_leave_the_port(world *w)
{
    (void)w;
    for (uint32_t is_joined = 0; is_joined < 2; is_joined++) {
        fixture f;
        couple c = couple_open();
        fixture_open(&f, c.ours.socket);
        if (is_joined != 0)
            ck_ok(f.ops->attach(f.backend, &f.endpoint, PLX__ADOPTED));
        uint32_t leaves = winsock_double_calls(DOUBLE_LEAVE);
        uint32_t cancels = winsock_double_calls(DOUBLE_CANCEL);
        ck_assert(f.ops->release(f.backend, &f.endpoint));
        ck_assert(f.ops->release(f.backend, &f.endpoint));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_LEAVE) - leaves, is_joined);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels);
        fixture_close(&f);
        couple_close(&c);
    }
    for (uint32_t flies = 0; flies < 2; flies++) {
        fixture f;
        couple c = couple_open();
        fixture_open(&f, c.ours.socket);
        ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
        if (flies != 0)
            ck_ok(f.ops->wait(f.backend, 0));
        f.ops->stop(f.backend, &f.endpoint);
        uint32_t leaves = winsock_double_calls(DOUBLE_LEAVE);
        uint32_t cancels = winsock_double_calls(DOUBLE_CANCEL);
        ck_assert(!f.ops->release(f.backend, &f.endpoint));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL) - cancels, flies);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_LEAVE), leaves);
        (void)expect(&f, PLX__RELEASED, 0);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_LEAVE), leaves + 1);
        fixture_expect_nothing(&f);
        fixture_close(&f);
        couple_close(&c);
    }
}

/* --- receiving and sending -------------------------------------------------------------------
 */

/* For want of memory a receive is tried again, after a pause; if it fails otherwise, what is there
 * is received, and then the failure is told. */
static void receives_that_fail(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    winsock_double_fail(DOUBLE_RECEIVE, 0, 2, WSAENOBUFS);
    ck_ok(f.ops->wait(f.backend, PLX_FOREVER)); /* Not for so long. */
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    ck_assert_ptr_null(f.ops->next(f.backend));
    ck_ok(f.ops->wait(f.backend, patience()));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 2);
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 2);
    ck_assert_uint_eq(winsock_double_mend(), 2);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "xy", 2), 2);
    plx__completion completion = expect(&f, PLX__RECEIVED, 0);
    ck_assert_uint_eq(completion.length, 2);
    ck_assert_mem_eq(completion.bytes, "xy", 2);
    winsock_double_fail(DOUBLE_RECEIVE, 0, 1, WSAECONNABORTED);
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert_uint_eq(winsock_double_mend(), 1);
    (void)expect(&f, PLX__ENDED, PLX_ECONNABORTED);
    fixture_expect_nothing(&f);
    fixture_close(&f);
    couple_close(&c);
}

/* The end of the thread that has started a receive or a send cancels it; both go on. */
static void cancelled_ones_go_on(world *w)
{
    fixture f;
    couple c = couple_open();
    const plx__slice slice = plx__slice_of(zeroes, SEND_MAX);
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert(CancelIoEx((HANDLE)c.ours.socket, NULL));
    fixture_expect_nothing(&f);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    (void)expect(&f, PLX__RECEIVED, 0);
    plx__completion completion;
    uint64_t until = plx__clock_now() + patience();
    do { /* The system may find room for what is held, and take it after all. */
        ck_assert_uint_lt(plx__clock_now(), until);
        fixture_fill(&f, zeroes, sizeof zeroes);
        ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
        (void)double_CancelIoEx((HANDLE)c.ours.socket, NULL);
        completion = expect(&f, PLX__SENT, 0);
    } while (completion.length != 0);
    fixture_close(&f);
    couple_close(&c);
}

static void sends_that_fail(world *w)
{
    fixture f;
    couple c = couple_open();
    const plx__slice slice = plx__slice_of("xyz", 3);
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->attach(f.backend, &f.endpoint, PLX__ADOPTED));
    uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(f.ops->send_start(f.backend, &f.endpoint, &slice, 1), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAECONNRESET);
    ck_assert_int_eq(f.ops->send_start(f.backend, &f.endpoint, &slice, 1), PLX_ECONNRESET);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(f.ops->send_start(f.backend, &f.endpoint, &slice, 1), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    fixture_expect_nothing(&f); /* Core tries again, after a while. */
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    plx__completion completion = expect(&f, PLX__SENT, 0);
    ck_assert_uint_eq(completion.length, 3);
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory + 1); /* Used again each time. */
    plx__fault_arm(PLX__FAULT_SEND, 0, 1);
    ck_assert_int_eq(f.ops->send(f.backend, &f.endpoint, &slice, 1), PLX_ENOMEM);
    (void)plx__fault_disarm(PLX__FAULT_SEND);
    fixture_close(&f);
    couple_close(&c);
}

/* What one send copies of its slices: 64 KiB at the most, in order. */
static void sends_are_cut_to_size(world *w)
{
    static const size_t lengths[][3] = {
        {1, 2, 3},
        {SEND_MAX - 1, 1, 5},
        {SEND_MAX, 1, 1},
        {SEND_MAX + 1, 0, 0},
        {SEND_MAX - 2, 1, 1},
        {5, SEND_MAX, 7},
    };
    static unsigned char bytes[3 * SEND_MAX];
    static unsigned char received[SEND_MAX];
    (void)w;
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        fixture f;
        couple c = couple_open();
        plx__slice slices[4]; /* The last one is not to be sent. */
        size_t total = 0;
        fixture_open(&f, c.ours.socket);
        for (size_t n = 0; n < 3; n++) {
            slices[n] = plx__slice_of(bytes + total, lengths[i][n]);
            total += lengths[i][n];
        }
        slices[3] = plx__slice_of(bytes, 9);
        if (total > SEND_MAX)
            total = SEND_MAX;
        ck_ok(f.ops->send_start(f.backend, &f.endpoint, slices, 3));
        plx__completion completion = expect(&f, PLX__SENT, 0);
        ck_assert_uint_eq(completion.length, total);
        uint64_t until = plx__clock_now() + patience();
        for (size_t at = 0; at < total;) {
            ptrdiff_t got = peer_try(&c.theirs, received, sizeof received);
            ck_assert_uint_lt(plx__clock_now(), until);
            if (got > 0)
                pattern_check(received, (size_t)got, at);
            at += got > 0 ? (size_t)got : 0;
        }
        ck_assert_int_eq(peer_try(&c.theirs, received, 1), PLX_EAGAIN);
        fixture_close(&f);
        couple_close(&c);
    }
}

/* Sixteen are kept for the next that need one; those beyond are freed. */
static void sixteen_sends_are_kept(world *w)
{
    enum { MANY = 20 };
    typedef struct slot {
        unsigned char front[FIXTURE_FRONT];
        plx__endpoint endpoint;
    } slot;
    static slot slots[MANY];
    couple couples[MANY];
    fixture f;
    couple own = couple_open();
    const plx__slice slice = plx__slice_of("x", 1);
    (void)w;
    fixture_open(&f, own.ours.socket);
    ck_ok(f.ops->attach(f.backend, &f.endpoint, PLX__ADOPTED));
    uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
    for (int round = 0; round < 2; round++) {
        size_t sent = 0;
        for (int i = 0; i < MANY; i++) {
            memset(&slots[i], 0, sizeof slots[i]);
            couples[i] = couple_open();
            slots[i].endpoint.token = (uint64_t)i + 2;
            slots[i].endpoint.socket = couples[i].ours.socket;
            ck_ok(f.ops->attach(f.backend, &slots[i].endpoint, PLX__MADE));
            ck_ok(f.ops->send_start(f.backend, &slots[i].endpoint, &slice, 1));
        }
        ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory + MANY);
        uint64_t until = plx__clock_now() + patience();
        while (sent < MANY) {
            ck_assert_uint_lt(plx__clock_now(), until);
            ck_ok(f.ops->wait(f.backend, PLX_MILLISECOND));
            while (f.ops->next(f.backend) != NULL)
                sent++;
        }
        ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory + 16);
        for (int i = 0; i < MANY; i++) {
            ck_assert(f.ops->detach(f.backend, &slots[i].endpoint));
            couple_close(&couples[i]);
        }
    }
    fixture_close(&f);
    couple_close(&own);
}

/* --- connecting ------------------------------------------------------------------------------
 */

static void connecting_that_fails_tells_why(world *w)
{
    static const struct {
        enum winsock_double_call call;
        uint32_t skip;
        int error, at_once, later;
    } cases[] = {
        {DOUBLE_BIND, 0, WSAEADDRNOTAVAIL, PLX_EADDRNOTAVAIL, 0},
        {DOUBLE_SET, 0, WSAENOPROTOOPT, 0, 0}, /* SO_REUSE_UNICASTPORT: older ones have none. */
        {DOUBLE_SET, 1, WSAENOTCONN, 0, PLX_ECONNRESET}, /* SO_UPDATE_CONNECT_CONTEXT. */
        {DOUBLE_SET, 1, WSAENOBUFS, 0, PLX_ENOBUFS},
        {DOUBLE_GET, 100, 0, 0, 0},
    };
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx_socket listener = socket_listening(text);
    (void)w;
    ck_ok(plx__address_parse(&address, text));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        plx_socket socket;
        ck_ok(plx__socket_open(&socket, address.family));
        fixture_open(&f, socket);
        uint32_t controls = winsock_double_calls(DOUBLE_IOCTL);
        winsock_double_fail(cases[i].call, cases[i].skip, 1, cases[i].error);
        int status = f.ops->connect(f.backend, &f.endpoint, &address);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_IOCTL) - controls, status == 0);
        ck_assert_int_eq(status, cases[i].at_once);
        if (status == 0) {
            (void)expect(&f, PLX__CONNECTED, cases[i].later);
            ck_assert_uint_eq(winsock_double_mend(), cases[i].error != 0);
            if (cases[i].later == 0)
                ck_ok(plx__socket_shutdown(socket)); /* It has its context. */
        }
        (void)winsock_double_mend();
        fixture_close(&f);
        plx__socket_close(socket);
    }
    plx__socket_close(listener);
}

const test_case unit_windows_port_cases[] = {
    CASE(opening_that_fails_tells_why),
    CASE(wake_that_fails_is_posted_again),
    CASE(waits_keep_their_time),
    CASE(closing_frees_what_is_on_its_way),
    CASE(joining_that_fails_tells_why),
    CASE(sockets_of_others_do_not_skip),
    CASE(released_sockets_leave_the_port),
    CASE(receives_that_fail),
    CASE(cancelled_ones_go_on),
    CASE(sends_that_fail),
    CASE(sends_are_cut_to_size),
    CASE(sixteen_sends_are_kept),
    CASE(connecting_that_fails_tells_why),
    CASES_END,
};
