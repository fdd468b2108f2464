/* tests/unit_windows_lists.c - the completion port: operations on their way through its lists, of
 * several endpoints; and its waits. Over the double. */
#include <pollux/watch.h>
#include <string.h>

#include "platform/hook.h"
#include "platform/os.h"
#include "tests/port_fixture.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_lists_cases[];

enum { RECEIVE = 0x1, SEND_MAX = 65536 };

static const plx__slice one = {.length = 1, .bytes = "x"};
static unsigned char flood[1 << 20];

/* More endpoints of one backend, each with a couple of its own. */
typedef struct slot {
    union {
        uint64_t align;
        unsigned char bytes[FIXTURE_FRONT];
    } front;
    plx__endpoint endpoint;
    couple couple;
} slot;

static plx__endpoint *slot_open(fixture *f, slot *s)
{
    memset(s, 0, sizeof *s);
    s->couple = couple_open();
    s->endpoint.token = 2;
    s->endpoint.socket = s->couple.ours.socket;
    ck_ok(f->ops->attach(f->backend, &s->endpoint, PLX__MADE));
    return &s->endpoint;
}

static void slot_close(fixture *f, slot *s)
{
    ck_assert(f->ops->detach(f->backend, &s->endpoint));
    couple_close(&s->couple);
}

static void expect_of(fixture *f, const plx__endpoint *endpoint, enum plx__completion_kind kind,
                      int status)
{
    const plx__completion *completion = f->ops->next(f->backend);
    ck_assert_ptr_nonnull(completion);
    ck_assert_ptr_eq(completion->endpoint, endpoint);
    ck_assert_int_eq(completion->kind, kind);
    ck_assert_int_eq(completion->status, status);
}

static void next_waits(fixture *f, uint64_t timeout_ns)
{
    ck_ok(f->ops->wait(f->backend, timeout_ns));
}

/* What a wait that fails has moved, what is done since, and what the port brings then, is told in
 * this order, each once; also when nobody looks between two waits. */
static void lists_keep_their_order(world *w)
{
    fixture f;
    slot slots[4];
    couple own = couple_open();
    (void)w;
    fixture_open(&f, own.ours.socket);
    for (int i = 0; i < 4; i++)
        (void)slot_open(&f, &slots[i]);
    ck_ok(f.ops->send_start(f.backend, &slots[0].endpoint, &one, 1));
    plx__fault_arm(PLX__FAULT_WAIT, 0, 1);
    ck_assert_int_eq(f.ops->wait(f.backend, 0), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_WAIT), 1);
    ck_ok(f.ops->send_start(f.backend, &slots[1].endpoint, &one, 1));
    winsock_double_answer(2, 0, 1, RECEIVE);
    ck_ok(f.ops->watch(f.backend, &slots[2].endpoint, PLX_READABLE));
    next_waits(&f, 0);
    ck_ok(f.ops->watch(f.backend, &slots[3].endpoint, PLX_READABLE));
    next_waits(&f, 0);
    expect_of(&f, &slots[0].endpoint, PLX__SENT, 0);
    expect_of(&f, &slots[1].endpoint, PLX__SENT, 0);
    expect_of(&f, &slots[2].endpoint, PLX__READY, 0);
    expect_of(&f, &slots[3].endpoint, PLX__READY, 0);
    ck_assert_ptr_null(f.ops->next(f.backend));
    for (int i = 0; i < 4; i++)
        slot_close(&f, &slots[i]);
    fixture_close(&f);
    couple_close(&own);
}

/* Each completion is its endpoint's, with all that belongs to its kind, whatever the one before it
 * was. */
static void completions_are_complete(world *w)
{
    fixture f;
    slot ends;
    slot watched;
    slot released;
    couple own = couple_open();
    (void)w;
    fixture_open(&f, own.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, slot_open(&f, &ends)));
    ck_ok(f.ops->receive_start(f.backend, slot_open(&f, &released)));
    (void)slot_open(&f, &watched);
    f.ops->stop(f.backend, &released.endpoint);
    ck_assert(!f.ops->release(f.backend, &released.endpoint));
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &one, 1));
    winsock_double_fail(DOUBLE_RECEIVE, 0, 1, WSAECONNABORTED);
    next_waits(&f, 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    winsock_double_answer(1, 0, 1, RECEIVE);
    ck_ok(f.ops->watch(f.backend, &watched.endpoint, PLX_READABLE));
    next_waits(&f, 0);
    expect_of(&f, &f.endpoint, PLX__SENT, 0);
    expect_of(&f, &ends.endpoint, PLX__ENDED, PLX_ECONNABORTED);
    const plx__completion *completion = f.ops->next(f.backend);
    ck_assert_ptr_nonnull(completion);
    ck_assert_ptr_eq(completion->endpoint, &released.endpoint);
    ck_assert_int_eq(completion->kind, PLX__RELEASED);
    expect_of(&f, &watched.endpoint, PLX__READY, 0);
    ck_assert_ptr_null(f.ops->next(f.backend));
    slot_close(&f, &ends);
    slot_close(&f, &released);
    slot_close(&f, &watched);
    fixture_close(&f);
    couple_close(&own);
}

/* One that comes back to nobody is used again by the next of its kind. */
static void what_comes_back_to_nobody_is_used_again(world *w)
{
    enum { KINDS = 3, ROUNDS = 3 };
    (void)w;
    for (int kind = 0; kind < KINDS; kind++) {
        fixture f;
        couple own = couple_open();
        uint32_t memory = 0;
        fixture_open(&f, own.ours.socket);
        for (int round = 0; round < ROUNDS; round++) {
            couple c = couple_open();
            memset(&f.front, 0, sizeof f.front);
            f.endpoint.socket = c.ours.socket;
            ck_ok(f.ops->attach(f.backend, &f.endpoint, PLX__MADE));
            const plx__slice slice = plx__slice_of(flood, SEND_MAX);
            if (kind == 0)
                ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
            if (kind == 1)
                ck_ok(f.ops->watch(f.backend, &f.endpoint, PLX_READABLE));
            if (kind == 2) {
                fixture_fill(&f, flood, sizeof flood);
                ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
            }
            next_waits(&f, 0);
            ck_assert(f.ops->detach(f.backend, &f.endpoint));
            fixture_expect_nothing(&f);
            if (round == 0)
                memory = plx__fault_held(PLX__FAULT_MEMORY);
            ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory);
            couple_close(&c);
        }
        f.ops->close(f.backend);
        couple_close(&own);
    }
}

/* One wait brings all that the port has, by as few calls as that takes. */
static void one_wait_brings_all(world *w)
{
    static const struct {
        int count;
        uint32_t calls;
    } cases[] = {{1, 1}, {255, 1}, {256, 2}, {257, 2}, {512, 3}};
    fixture f;
    couple c = couple_open();
    (void)w;
    winsock_double_refuse_modes(true); /* So that the port tells of what is done at once. */
    fixture_open(&f, c.ours.socket);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int n = 0; n < cases[i].count; n++)
            ck_ok(f.ops->send_start(f.backend, &f.endpoint, &one, 1));
        uint32_t calls = winsock_double_calls(DOUBLE_DEQUEUE);
        next_waits(&f, patience());
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_DEQUEUE) - calls, cases[i].calls);
        ck_assert_int_eq(winsock_double_timeout() == 0, cases[i].calls > 1);
        for (int n = 0; n < cases[i].count; n++)
            expect_of(&f, &f.endpoint, PLX__SENT, 0);
        ck_assert_ptr_null(f.ops->next(f.backend));
    }
    winsock_double_refuse_modes(false);
    fixture_close(&f);
    couple_close(&c);
}

/* A wait does not block when something is done already; when a receive lacked memory it pauses for
 * a millisecond instead, once. A send that lacks memory is its caller's to repeat. */
static void waits_do_not_block_over_what_is_done(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &one, 1));
    next_waits(&f, PLX_FOREVER);
    ck_assert_int_eq(winsock_double_timeout(), 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps);
    expect_of(&f, &f.endpoint, PLX__SENT, 0);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(f.ops->send_start(f.backend, &f.endpoint, &one, 1), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    next_waits(&f, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps);
    winsock_double_fail(DOUBLE_RECEIVE, 0, 1, WSAENOBUFS);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    next_waits(&f, PLX_FOREVER);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(winsock_double_timeout(), 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    next_waits(&f, 1); /* A nanosecond has an end, too. */
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    fixture_close(&f);
    couple_close(&c);
}

static void step_count(enum plx__hook_step step, void *data)
{
    unsigned *steps = data;
    steps[step]++;
}

/* Tests come between the steps of a wait. */
static void waits_have_steps(world *w)
{
    unsigned steps[PLX__HOOK_LEAVE + 1] = {0};
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    plx__hook_set(step_count, steps);
    next_waits(&f, 0);
    plx__hook_set(NULL, NULL);
    ck_assert_uint_eq(steps[PLX__HOOK_PREPARE], 1);
    ck_assert_uint_eq(steps[PLX__HOOK_SLEEP], 1);
    fixture_close(&f);
    couple_close(&c);
}

static void clock_forward(void *data)
{
    winsock_double_clock_forward(*(const uint64_t *)data);
}

static void clock_restore(uint64_t duration_ns)
{
    winsock_double_clock_forward(UINT64_MAX - duration_ns + 1);
}

/* What a wait that ended early has left is waited for, and no more; and the longest of waits has
 * its end. */
static void waits_end_in_time(world *w)
{
    const uint64_t most = 15 * PLX_MILLISECOND;
    const uint64_t ages = PLX_FOREVER / 4;
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    winsock_double_act(DOUBLE_DEQUEUE, 0, 1, WAIT_TIMEOUT, clock_forward, (void *)(uintptr_t)&most);
    next_waits(&f, 20 * PLX_MILLISECOND);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_le(winsock_double_timeout(), 5);
    uint32_t calls = winsock_double_calls(DOUBLE_DEQUEUE);
    winsock_double_act(DOUBLE_DEQUEUE, 0, 1, WAIT_TIMEOUT, clock_forward, (void *)(uintptr_t)&ages);
    next_waits(&f, ages - PLX_SECOND);
    clock_restore(ages);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_DEQUEUE), calls + 1);
    fixture_close(&f);
    couple_close(&c);
}

/* What the kernel does not give back within 10 s is left to it: the backend's memory stays. */
static void closing_gives_up_in_time(world *w)
{
    const uint64_t last = 10 * PLX_SECOND;
    const plx__slice slice = plx__slice_of(flood, SEND_MAX);
    fixture f;
    couple c = couple_open();
    (void)w;
    winsock_double_ignore_cancel(true);
    fixture_open(&f, c.ours.socket);
    fixture_fill(&f, flood, sizeof flood);
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
    winsock_double_act(DOUBLE_DEQUEUE, 0, 1, WAIT_TIMEOUT, clock_forward, (void *)(uintptr_t)&last);
    f.ops->close(f.backend);
    clock_restore(last);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory);
    winsock_double_ignore_cancel(false);
    couple_close(&c); /* Which ends it. */
    f.ops->close(f.backend);
}

/* --- receiving -------------------------------------------------------------------------------
 */

static plx__completion expect_received(fixture *f, size_t length)
{
    plx__completion completion = fixture_completion(f);
    ck_assert_int_eq(completion.kind, PLX__RECEIVED);
    ck_assert_uint_eq(completion.length, length);
    return completion;
}

/* Sends so much to the endpoint, and waits until it has arrived. */
static void arrive(const couple *c, size_t length)
{
    static char peeked[sizeof flood];
    uint64_t until = plx__clock_now() + patience();
    ck_assert_int_eq(plx__socket_send(c->theirs.socket, flood, length), (ptrdiff_t)length);
    while (recv(c->ours.socket, peeked, sizeof peeked, MSG_PEEK) < (int)length)
        ck_assert_uint_lt(plx__clock_now(), until);
}

/* After a buffer that was filled, nobody asks the kernel whether there is more; after one that was
 * not, the next receive is asked for. If there was nothing more, that is no end. */
static void full_buffers_are_gone_on_with(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    arrive(&c, 2 * FIXTURE_RECEIVE_BYTES);
    (void)expect_received(&f, FIXTURE_RECEIVE_BYTES);
    uint32_t receives = winsock_double_calls(DOUBLE_RECEIVE);
    next_waits(&f, PLX_FOREVER);
    ck_assert_int_eq(winsock_double_timeout(), 0);
    (void)expect_received(&f, FIXTURE_RECEIVE_BYTES);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_RECEIVE), receives);
    next_waits(&f, PLX_FOREVER);
    ck_assert_ptr_null(f.ops->next(f.backend));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_RECEIVE), receives);
    next_waits(&f, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_RECEIVE), receives + 1);
    arrive(&c, 1);
    (void)expect_received(&f, 1);
    next_waits(&f, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_RECEIVE), receives + 2);
    fixture_close(&f);
    couple_close(&c);
}

/* A receive that completes, and finds that there is nothing after all, is posted again: as often as
 * that happens, and whatever an earlier one came to. */
static void empty_receives_are_no_end(world *w)
{
    fixture f;
    couple c = couple_open();
    char byte;
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    next_waits(&f, 0);
    for (int round = 0; round < 2; round++) {
        arrive(&c, 1);
        next_waits(&f, patience());
        ck_assert_int_eq(recv(c.ours.socket, &byte, 1, 0), 1); /* Somebody else has it. */
        ck_assert_ptr_null(f.ops->next(f.backend));
        fixture_expect_nothing(&f);
    }
    arrive(&c, 1);
    (void)expect_received(&f, 1);
    arrive(&c, 1);
    winsock_double_fail(DOUBLE_RECEIVE, 0, 1, WSAECONNABORTED);
    (void)expect_received(&f, 1);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    next_waits(&f, 0);
    ck_assert(CancelIoEx((HANDLE)c.ours.socket, NULL));
    fixture_expect_nothing(&f);
    arrive(&c, 1);
    (void)expect_received(&f, 1);
    fixture_close(&f);
    couple_close(&c);
}

/* One that is stopped before it was posted is not posted, and nothing is told of it. */
static void stopped_receives_are_not_posted(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    f.ops->stop(f.backend, &f.endpoint);
    uint32_t receives = winsock_double_calls(DOUBLE_RECEIVE);
    (void)winsock_double_longest_timeout();
    next_waits(&f, 5 * PLX_MILLISECOND);
    ck_assert_int_eq(winsock_double_longest_timeout(), 5); /* It has nothing to bring. */
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_RECEIVE), receives);
    fixture_close(&f);
    couple_close(&c);
}

/* One that is not in flight is released at once, as often as that is asked for; and one that may
 * stay in its port, because the system knows no way out, can be received from again. */
static void idle_receives_are_released_at_once(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    fixture_open(&f, c.ours.socket);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    f.ops->stop(f.backend, &f.endpoint);
    next_waits(&f, 0);
    winsock_double_fail(DOUBLE_FIND, 0, UINT32_MAX, ERROR_PROC_NOT_FOUND);
    ck_assert(f.ops->release(f.backend, &f.endpoint));
    ck_assert(f.ops->release(f.backend, &f.endpoint));
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    next_waits(&f, 0);
    f.ops->stop(f.backend, &f.endpoint);
    ck_assert(!f.ops->release(f.backend, &f.endpoint));
    ck_assert_int_eq(fixture_completion(&f).kind, PLX__RELEASED);
    ck_assert_uint_gt(winsock_double_mend(), 0);
    ck_ok(f.ops->receive_start(f.backend, &f.endpoint));
    next_waits(&f, 0);
    f.ops->stop(f.backend, &f.endpoint);
    arrive(&c, 1);
    fixture_expect_nothing(&f);
    fixture_close(&f);
    couple_close(&c);
}

static void operations_need_memory(world *w)
{
    fixture f;
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx_socket socket;
    plx_socket listener = socket_listening(text);
    couple c = couple_open();
    (void)w;
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__socket_open(&socket, address.family));
    fixture_open(&f, socket);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(f.ops->connect(f.backend, &f.endpoint, &address), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    fixture_close(&f);
    fixture_open(&f, c.ours.socket);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(f.ops->receive_start(f.backend, &f.endpoint), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    fixture_expect_nothing(&f);
    fixture_close(&f);
    plx__socket_close(socket);
    plx__socket_close(listener);
    couple_close(&c);
}

/* --- opening and joining ---------------------------------------------------------------------
 */

static void opening_asks_for_a_descriptor_first(world *w)
{
    plx__backend *backend;
    (void)w;
    uint32_t ports = winsock_double_calls(DOUBLE_PORT);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(plx__backend_find("iocp")->open(&backend, &fixture_config), PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_PORT), ports);
}

/* With a layered provider in front, or where the system does not know whether it skips, the port
 * tells of what is done at once, once. */
static void what_may_not_skip_is_told_by_the_port(world *w)
{
    (void)w;
    for (int i = 0; i < 2; i++) {
        fixture f;
        couple c = couple_open();
        winsock_double_layer(i == 0);
        winsock_double_refuse_modes(i == 1);
        uint32_t modes = winsock_double_calls(DOUBLE_MODES);
        fixture_open(&f, c.ours.socket);
        if (i == 1)
            winsock_double_fail(DOUBLE_FIND, 0, 1, ERROR_PROC_NOT_FOUND);
        ck_ok(f.ops->send_start(f.backend, &f.endpoint, &one, 1));
        ck_assert_uint_eq(winsock_double_mend(), (uint32_t)i);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_MODES) - modes, (uint32_t)i);
        ck_assert_int_eq(fixture_completion(&f).kind, PLX__SENT);
        fixture_expect_nothing(&f);
        winsock_double_layer(false);
        winsock_double_refuse_modes(false);
        fixture_close(&f);
        couple_close(&c);
    }
}

const test_case unit_windows_lists_cases[] = {
    CASE(lists_keep_their_order),
    CASE(completions_are_complete),
    CASE(what_comes_back_to_nobody_is_used_again),
    CASE(one_wait_brings_all),
    CASE(waits_do_not_block_over_what_is_done),
    CASE(waits_have_steps),
    CASE(waits_end_in_time),
    CASE(closing_gives_up_in_time),
    CASE(full_buffers_are_gone_on_with),
    CASE(empty_receives_are_no_end),
    CASE(stopped_receives_are_not_posted),
    CASE(idle_receives_are_released_at_once),
    CASE(operations_need_memory),
    CASE(opening_asks_for_a_descriptor_first),
    CASE(what_may_not_skip_is_told_by_the_port),
    CASES_END,
};
