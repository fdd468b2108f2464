/* tests/behavior_idle_watch.c - watches whose sockets are idle. In the backend "poll" a second
 * thread waits for them. What their owners see must be the same on all backends.
 */
#include <string.h>

#include "platform/test_system.h"
#include "tests/configuration.h"
#include "tests/harness.h"

extern const test_case behavior_idle_watch_cases[];

enum { MANY = 100 };

typedef struct watched {
    couple couple;
    plx_watch watch;
    size_t calls;
    uint32_t ready; /* Of the last call. */
    bool reads;     /* The callback reads a byte. */
    size_t read;
} watched;

typedef struct crowd {
    watched all[MANY];
} crowd;

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    watched *one = data;
    char byte;
    (void)loop;
    ck_assert_uint_eq(watch.bits, one->watch.bits);
    ck_assert(socket == one->couple.ours.socket);
    one->calls++;
    one->ready = ready;
    if (one->reads && peer_try(&one->couple.ours, &byte, 1) == 1)
        one->read++;
}

static bool has_second_thread(const world *w)
{
    return strcmp(w->backend, "poll") == 0;
}

static void turn_until_idle(world *w, uint64_t wanted)
{
    if (has_second_thread(w))
        turn_until_backend_counter(w, "idle_set_sockets", wanted);
    else
        turn_some(w);
}

static void watched_open(plx_loop *loop, watched *one)
{
    one->reads = true;
    one->couple = couple_open();
    ck_ok(plx_watch_open(loop, &one->watch, one->couple.ours.socket, PLX_READABLE, on_ready, one));
}

static void watched_close(plx_loop *loop, watched *one)
{
    ck_ok(plx_watch_close(loop, one->watch));
    couple_close(&one->couple);
}

/* So many that are all idle. */
static void crowd_open(world *w, crowd *c)
{
    world_reopen(w, configuration_all_idle((plx_loop_options){0}));
    for (size_t i = 0; i < MANY; i++)
        watched_open(w->loop, &c->all[i]);
    turn_until_idle(w, MANY);
}

static void crowd_close(world *w, crowd *c)
{
    for (size_t i = 0; i < MANY; i++)
        watched_close(w->loop, &c->all[i]);
    ck_assert_uint_eq(backend_counter(w, "idle_set_sockets"), 0);
}

static void expect_one_more(world *w, watched *one)
{
    size_t read = one->read;
    peer_send(w, &one->couple.theirs, "x", 1);
    turn_until(w, &one->read, read + 1);
    ck_assert_uint_eq(one->ready, PLX_READABLE);
}

/* Each that becomes readable is told so, nobody else is, and it is idle again after it. */
static void idle_watches_go_and_come_back(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    for (size_t i = 0; i < MANY; i++)
        expect_one_more(w, &c.all[i]);
    turn_until_idle(w, MANY);
    for (size_t i = 0; i < MANY; i++) {
        expect_one_more(w, &c.all[i]);
        ck_assert_uint_le(c.all[i].calls, 4); /* One each, and one that was on its way. */
    }
    if (has_second_thread(w)) {
        ck_assert_uint_ge(backend_counter(w, "idle_set_returned"), 2 * MANY);
        ck_assert_uint_ge(backend_counter(w, "idle_set_added"), 2 * MANY);
    }
    crowd_close(w, &c);
}

/* What is not read is told again in each turn, also right after the second thread has told it. */
static void idle_watch_stays_level_triggered(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    watched *one = &c.all[7];
    one->reads = false;
    peer_send(w, &one->couple.theirs, "x", 1);
    turn_until(w, &one->calls, 1);
    for (size_t turns = 1; turns < 20; turns++) {
        size_t before = one->calls;
        turn_until(w, &one->calls, before + 1);
    }
    one->reads = true;
    turn_until(w, &one->read, 1);
    turn_until_idle(w, MANY);
    crowd_close(w, &c);
}

/* Interest that changes while the watch is idle. */
static void idle_watch_changes_its_interest(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    watched *one = &c.all[3];
    ck_ok(plx_watch_set(w->loop, one->watch, PLX_READABLE | PLX_WRITABLE));
    turn_until(w, &one->calls, 1);
    ck_assert_uint_eq(one->ready, PLX_WRITABLE);
    ck_ok(plx_watch_set(w->loop, one->watch, 0));
    turn(w);
    size_t before = one->calls;
    peer_send(w, &one->couple.theirs, "x", 1);
    turn_some(w);
    ck_assert_uint_eq(one->calls, before);
    ck_ok(plx_watch_set(w->loop, one->watch, PLX_READABLE));
    turn_until(w, &one->read, 1);
    turn_until_idle(w, MANY);
    ck_ok(plx_watch_set(w->loop, one->watch, 0));
    ck_ok(plx_watch_set(w->loop, one->watch, PLX_READABLE));
    expect_one_more(w, one);
    crowd_close(w, &c);
}

/* The owner closes the socket as soon as its watch is closed, and does not turn the loop: the peer
 * sees the end all the same. */
static void closed_watch_lets_go_of_the_socket_at_once(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    for (size_t i = 0; i < MANY; i++) {
        watched *one = &c.all[i];
        char byte;
        ptrdiff_t got;
        uint64_t until = net_now() + patience();
        ck_ok(plx_watch_close(w->loop, one->watch));
        peer_close(&one->couple.ours);
        while ((got = peer_try(&one->couple.theirs, &byte, 1)) == PLX_EAGAIN) {
            ck_assert_msg(net_now() < until, "somebody holds on to socket %u", (unsigned)i);
            plx__thread_yield();
        }
        ck_assert_int_eq(got, 0);
        peer_close(&one->couple.theirs);
    }
    ck_assert_uint_eq(backend_counter(w, "idle_set_sockets"), 0);
}

/* The number of a socket that was closed is soon another's, which must not be taken for the one
 * before, though the second thread may see something of that at this very moment. */
static void descriptors_come_back_as_other_watches(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    for (size_t i = 0; i < 2 * MANY; i++) {
        watched *one = &c.all[i % MANY];
        if (i % 3 == 0)
            turn_until_idle(w, MANY);
        peer_send(w, &one->couple.theirs, "x", 1);
        watched_close(w->loop, one);
        memset(one, 0, sizeof *one);
        watched_open(w->loop, one);
        if (i % 2 == 0)
            turn(w);
    }
    turn_some(w);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_uint_eq(c.all[i].calls, 0);
    turn_until_idle(w, MANY);
    for (size_t i = 0; i < MANY; i++)
        expect_one_more(w, &c.all[i]);
    crowd_close(w, &c);
}

/* The end of the stream, a reset, and both amid others that stay idle. */
static void idle_watch_sees_the_end(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    for (size_t i = 0; i < MANY; i += 10) {
        watched *one = &c.all[i];
        if (i % 20 == 0)
            peer_close(&one->couple.theirs);
        else
            peer_reset(&one->couple.theirs);
        turn_until(w, &one->calls, 1);
        ck_assert_uint_eq(one->ready & PLX_READABLE, PLX_READABLE);
        watched_close(w->loop, one);
        memset(one, 0, sizeof *one);
        watched_open(w->loop, one);
    }
    crowd_close(w, &c);
}

/* One socket by two descriptors, and in two loops: each of its watches is told. */
static void one_socket_is_watched_several_times(world *w)
{
    static crowd c;
    watched twin = {.reads = false};
    watched distant = {.reads = false};
    crowd_open(w, &c);
    plx_loop *first = w->loop;
    plx_loop *second = world_loop_open(w);
    watched *one = &c.all[0];
    one->reads = false;
    distant.couple = one->couple;
    ck_ok(plx_watch_open(second, &distant.watch, distant.couple.ours.socket, PLX_READABLE, on_ready,
                         &distant));
    bool has_twin = plx__test_duplicate(one->couple.ours.socket, &twin.couple.ours.socket) == 0;
    if (has_twin)
        ck_ok(plx_watch_open(first, &twin.watch, twin.couple.ours.socket, PLX_READABLE, on_ready,
                             &twin));
    turn_until_idle(w, has_twin ? MANY + 1 : MANY);
    w->loop = second;
    turn_some(w);
    peer_send(w, &one->couple.theirs, "x", 1);
    turn_until(w, &distant.calls, 1);
    w->loop = first;
    turn_until(w, &one->calls, 1);
    if (has_twin) {
        while (twin.calls == 0)
            turn(w);
        ck_ok(plx_watch_close(first, twin.watch));
        net_dispose(twin.couple.ours.socket);
    }
    ck_ok(plx_watch_close(second, distant.watch));
    ck_ok(plx_loop_close(second));
    one->reads = true;
    turn_until(w, &one->read, 1);
    crowd_close(w, &c);
}

/* The second thread's wait fails while it has all of them: the loop waits for them itself, counts
 * that, and tries again later. */
static void second_thread_cannot_wait(world *w)
{
    static crowd c;
    crowd_open(w, &c);
    plx__fault_arm(PLX__FAULT_IDLE_WAIT, 0, UINT32_MAX);
    for (size_t i = 0; i < MANY; i++)
        expect_one_more(w, &c.all[i]);
    if (has_second_thread(w))
        turn_until_backend_counter(w, "idle_set_failures", 1);
    ck_assert_uint_eq(backend_counter(w, "idle_set_sockets"), 0);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_IDLE_WAIT),
                      backend_counter(w, "idle_set_failures"));
    turn_until_idle(w, MANY);
    crowd_close(w, &c);
}

/* Closing the loop while all are idle. */
static void loop_closes_over_idle_watches(world *w)
{
    static crowd c;
    char byte;
    crowd_open(w, &c);
    ck_ok(plx_loop_close(w->loop));
    for (size_t i = 0; i < MANY; i++) {
        watched *one = &c.all[i];
        ck_assert_int_eq(peer_try(&one->couple.theirs, &byte, 1), PLX_EAGAIN); /* Still open. */
        couple_close(&one->couple);
        ck_assert_uint_eq(one->calls, 0);
    }
    w->loop = world_loop_open(w);
}

/* CMake sees one case a line. */
/* clang-format off */
const test_case behavior_idle_watch_cases[] = {
    CASE(idle_watches_go_and_come_back),
    CASE(idle_watch_stays_level_triggered),
    CASE(idle_watch_changes_its_interest),
    CASE(closed_watch_lets_go_of_the_socket_at_once),
    CASE(descriptors_come_back_as_other_watches),
    CASE(idle_watch_sees_the_end),
    CASE(one_socket_is_watched_several_times),
    CASE(second_thread_cannot_wait),
    CASE(loop_closes_over_idle_watches),
    CASES_END,
};
/* clang-format on */
