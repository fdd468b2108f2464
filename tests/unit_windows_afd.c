/* tests/unit_windows_afd.c - the completion port: what it asks the AFD driver and makes of the
 * answers. Over the double. */
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
    ck_ok(f->ops->attach(f->backend, &s->endpoint, PLX__MADE));
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
    polls = winsock_double_calls(DOUBLE_AFD);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, W));
    ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_AFD), polls);
    for (uint32_t events = ABORT; events <= LOCAL_CLOSE; events *= 2) {
        winsock_double_answer(1, 0, 1, events);
        ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
        ck_ok(f.ops->wait(f.backend, patience()));
        ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
        ck_assert_ptr_null(f.ops->next(f.backend));
    }
    fixture_close(&f);
    couple_close(&c);
}

/* One poll after another is cancelled when more is asked for; one that is not in flight is not. */
static void polls_are_cancelled_each_time(world *w)
{
    fixture f;
    slot waiting;
    couple c = couple_open();
    couple d = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    uint32_t cancels = winsock_double_calls(DOUBLE_CANCEL);
    for (uint32_t round = 1; round <= 3; round++) {
        ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
        ck_ok(f.ops->wait(f.backend, 0));
        ck_ok(f.ops->watch(f.backend, &f.endpoint, R | W));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels + round);
        ck_assert_uint_eq(fixture_completion(&f).ready, W);
        ck_ok(f.ops->watch(f.backend, &f.endpoint, 0));
        fixture_expect_nothing(&f);
    }
    ck_ok(f.ops->watch(f.backend, slot_open(&f, &waiting, d.ours.socket), R));
    ck_assert(f.ops->detach(f.backend, &waiting.endpoint));
    fixture_expect_nothing(&f);
    winsock_double_answer(1, 0, 1, RECEIVE);
    ck_ok(f.ops->watch(f.backend, slot_open(&f, &waiting, d.ours.socket), R));
    ck_ok(f.ops->wait(f.backend, 0));
    ck_assert(f.ops->detach(f.backend, &waiting.endpoint));
    fixture_expect_nothing(&f);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_CANCEL), cancels + 3);
    fixture_close(&f);
    couple_close(&c);
    couple_close(&d);
}

/* A request that completes before the call returns is told by the port all the same, once. */
static void driver_may_answer_at_once(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    winsock_double_answer_at_once(true);
    winsock_double_answer(1, 0, 1, RECEIVE);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    ck_assert_uint_eq(fixture_completion(&f).ready, R);
    fixture_expect_nothing(&f);
    winsock_double_answer_at_once(false);
    fixture_close(&f);
    couple_close(&c);
}

/* For want of memory it is asked again, after a pause; what else fails ends the watch, until the
 * owner watches again. */
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
    ck_ok(f.ops->wait(f.backend, PLX_FOREVER)); /* Not for so long. */
    ck_assert_int_eq(winsock_double_timeout(), 0);
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
    ck_ok(f.ops->watch(f.backend, &f.endpoint, R));
    completion = fixture_completion(&f);
    ck_assert_uint_eq(completion.ready, R);
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
    ck_assert_int_eq(winsock_double_modes(), 2);                 /* No event. */
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

/* Connecting by a poll: what fails is told at once, a poll that was cancelled is no outcome, and
 * what is watched afterwards is no connecting. */
static void connecting_by_a_poll_has_one_outcome(world *w)
{
    fixture f;
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx_socket socket;
    plx_socket listener = socket_listening(text);
    (void)w;
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__socket_open(&socket, address.family));
    address.family = PLX__FAMILY_UNIX; /* As the backend is to believe. */
    fixture_open(&f, socket);
    winsock_double_fail(DOUBLE_IOCTL, 0, 2, WSAEINVAL);
    ck_assert_int_eq(f.ops->connect(f.backend, &f.endpoint, &address), PLX_EINVAL);
    fixture_close(&f);
    fixture_open(&f, socket);
    winsock_double_fail(DOUBLE_CONNECT, 0, 1, WSAENETUNREACH);
    ck_assert_int_eq(f.ops->connect(f.backend, &f.endpoint, &address), PLX_ENETUNREACH);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    fixture_expect_nothing(&f);
    fixture_close(&f);
    fixture_open(&f, socket);
    winsock_double_answer(1, (long)0xC0000120, 1, SEND); /* It was cancelled. */
    ck_ok(f.ops->connect(f.backend, &f.endpoint, &address));
    ck_ok(f.ops->wait(f.backend, patience()));
    ck_assert_ptr_null(f.ops->next(f.backend));
    plx__completion completion = fixture_completion(&f);
    ck_assert_int_eq(completion.kind, PLX__CONNECTED);
    ck_ok(completion.status);
    ck_ok(f.ops->watch(f.backend, &f.endpoint, W));
    completion = fixture_completion(&f);
    ck_assert_int_eq(completion.kind, PLX__READY);
    ck_assert_uint_eq(completion.ready, W);
    fixture_close(&f);
    plx__socket_close(socket);
    plx__socket_close(listener);
}

const test_case unit_windows_afd_cases[] = {
    CASE(polls_are_cancelled_each_time),
    CASE(driver_may_answer_at_once),
    CASE(connecting_by_a_poll_has_one_outcome),
    CASE(answers_have_meanings),
    CASE(interest_is_asked_for),
    CASE(driver_that_fails_is_told),
    CASE(watching_that_fails_tells_why),
    CASE(devices_have_32_polls),
    CASE(one_poll_asks_at_a_time),
    CASES_END,
};
