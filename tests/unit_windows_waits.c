/* tests/unit_windows_waits.c - what WSAPoll and select() are asked, and what is made of their
 * answers. Over the double. */
#include "platform/os.h"
#include "tests/harness.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_waits_cases[];

static unsigned char zeroes[1 << 16];

/* A couple whose `ours` is full, and stays so. */
static couple full_open(void)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    do {
        while (plx__socket_send(c.ours.socket, zeroes, sizeof zeroes) > 0)
            continue;
    } while (plx__poll(&entry, 1, 5 * PLX_MILLISECOND) > 0);
    return c;
}

/* --- WSAPoll ---------------------------------------------------------------------------------
 */

/* A wait that ends early is gone on with. */
static void early_ends_are_waited_out(world *w)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    uint64_t before = plx__clock_now();
    winsock_double_fail(DOUBLE_POLL, 0, 3, WAIT_TIMEOUT);
    ck_assert_int_eq(plx__poll(&entry, 1, 30 * PLX_MILLISECOND), 0);
    ck_assert_uint_eq(winsock_double_mend(), 3);
    ck_assert_uint_ge(plx__clock_now() - before, 30 * PLX_MILLISECOND);
    winsock_double_fail(DOUBLE_POLL, 0, 3, WAIT_TIMEOUT);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_assert_int_eq(plx__poll(&entry, 1, PLX_FOREVER), 1);
    ck_assert_uint_eq(winsock_double_mend(), 3);
    couple_close(&c);
}

/* One that fails for want of memory is tried again, after a pause; other failures are told. */
static void poll_that_fails_tells_why(world *w)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    winsock_double_fail(DOUBLE_POLL, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 0);
    ck_assert_int_eq(entry.revents, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    winsock_double_fail(DOUBLE_POLL, 0, 2, WSAENOBUFS);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 3);
    winsock_double_fail(DOUBLE_POLL, 0, 1, WSAEFAULT);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), PLX_EINVAL);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    couple_close(&c);
}

/* The system says its build; before 19041 refusals are looked for, and the waits of those who want
 * to write are in slices for that. Of others they are not. */
static void check_build(DWORD build, bool is_old)
{
    couple full = full_open();
    couple c = couple_open();
    plx__poll_entry writes = {.fd = full.ours.socket, .events = PLX__POLL_WRITE};
    plx__poll_entry reads = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    uint32_t finds = winsock_double_calls(DOUBLE_FIND);
    uint32_t polls = winsock_double_calls(DOUBLE_POLL);
    uint32_t selects = winsock_double_calls(DOUBLE_SELECT);
    winsock_double_build(build);
    (void)winsock_double_longest_timeout();
    ck_assert_int_eq(plx__poll(&reads, 1, 45 * PLX_MILLISECOND), 0);
    ck_assert_uint_le(winsock_double_calls(DOUBLE_POLL) - polls, 2); /* One may end early. */
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SELECT), selects);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_FIND), finds); /* It is known by now. */
    ck_assert_int_eq(winsock_double_longest_timeout(), 45);
    ck_assert_int_eq(plx__poll(&writes, 1, 45 * PLX_MILLISECOND), 0);
    ck_assert_int_eq(winsock_double_longest_timeout(), is_old ? 10 : 45);
    ck_assert_int_eq(winsock_double_calls(DOUBLE_SELECT) > selects, is_old);
    couple_close(&full);
    couple_close(&c);
}

static void build_is_asked_once(DWORD build, bool is_old)
{
    plx__poll_entry entry = {.fd = INVALID_SOCKET, .events = PLX__POLL_READ};
    uint32_t finds = winsock_double_calls(DOUBLE_FIND);
    if (is_old)
        winsock_double_start(WINSOCK_OLD);
    winsock_double_build(build);
    (void)plx__poll(&entry, 1, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_FIND), finds + 1);
    check_build(build, is_old);
}

static void build_19040_is_old(world *w)
{
    (void)w;
    build_is_asked_once(19040, true);
    for (int i = 0; i < 2; i++) {
        couple c = full_open();
        peer refused = peer_refused();
        peer also = peer_refused();
        plx__poll_entry entries[3] = {{.fd = refused.socket, .events = PLX__POLL_WRITE},
                                      {.fd = c.ours.socket, .events = PLX__POLL_WRITE},
                                      {.fd = also.socket, .events = PLX__POLL_WRITE}};
        uint64_t until = plx__clock_now() + patience();
        while (plx__poll(entries, 3, PLX_FOREVER) != 2) /* One may be refused before the other. */
            ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(entries[0].revents, POLLERR);
        ck_assert_int_eq(entries[1].revents, 0);
        ck_assert_int_eq(entries[2].revents, POLLERR);
        couple_close(&c);
        peer_close(&refused);
        peer_close(&also);
    }
}

static void build_19041_is_not_old(world *w)
{
    (void)w;
    build_is_asked_once(19041, false);
}

/* Without the function that says it, the system counts as old. */
static void build_that_is_not_said_is_old(world *w)
{
    (void)w;
    winsock_double_fail(DOUBLE_FIND, 0, 1, ERROR_PROC_NOT_FOUND);
    build_is_asked_once(19041, true);
    ck_assert_uint_eq(winsock_double_mend(), 1);
}

static void timeout_read(void *data)
{
    *(int64_t *)data = winsock_double_timeout();
}

/* Of those that have hung up, a wait that parks them and fails says so, and gives them back. */
static void parked_ones_come_back(world *w)
{
    couple hung = full_open();
    couple other = full_open();
    plx__poll_entry entries[2] = {{.fd = hung.ours.socket, .events = PLX__POLL_WRITE},
                                  {.fd = other.ours.socket, .events = PLX__POLL_WRITE}};
    int64_t slice = 0;
    (void)w;
    peer_shutdown(&hung.theirs);
    ck_assert_int_eq(plx__poll(entries, 2, 5 * PLX_MILLISECOND), 0);
    winsock_double_fail(DOUBLE_POLL, 1, 1, WSAEFAULT);
    ck_assert_int_eq(plx__poll(entries, 2, patience()), PLX_EINVAL);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(entries[0].fd, hung.ours.socket);
    ck_assert_uint_eq(entries[1].fd, other.ours.socket);
    /* Alone it is slept for, in slices of no more than 10 ms, and not polled meanwhile. */
    winsock_double_act(DOUBLE_SLEEP, 0, 1, 0, timeout_read, &slice);
    ck_assert_int_eq(plx__poll(entries, 1, 95 * PLX_MILLISECOND), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_gt(slice, 0);
    ck_assert_int_le(slice, 10);
    ck_assert_int_eq(entries[0].revents, 0);
    /* A look that may not wait parks nobody, and tells of nobody who has only hung up. */
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    ck_assert_int_eq(plx__poll(entries, 2, 0), 0);
    ck_assert_int_eq(entries[0].revents, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps);
    couple_close(&hung);
    couple_close(&other);
}

static void speak(void *data)
{
    const couple *c = data;
    ck_assert_int_eq(plx__socket_send(c->theirs.socket, "x", 1), 1);
}

/* What becomes ready beside one that is parked ends the wait, without another look; and one that is
 * parked costs no call when others are ready, or when there is no time. */
static void parking_costs_one_call(world *w)
{
    couple hung = full_open();
    couple other = couple_open();
    plx__poll_entry entries[2] = {{.fd = hung.ours.socket, .events = PLX__POLL_WRITE},
                                  {.fd = other.ours.socket, .events = PLX__POLL_READ}};
    (void)w;
    peer_shutdown(&hung.theirs);
    ck_assert_int_eq(plx__poll(entries, 1, 5 * PLX_MILLISECOND), 0);
    winsock_double_clock_stop(true);
    uint32_t polls = winsock_double_calls(DOUBLE_POLL);
    ck_assert_int_eq(plx__poll(entries, 2, 0), 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_POLL), polls + 1);
    winsock_double_act(DOUBLE_POLL, 1, 1, 0, speak, &other);
    ck_assert_int_eq(plx__poll(entries, 2, PLX_SECOND), 1);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(entries[1].revents, PLX__POLL_READ);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_POLL), polls + 3);
    ck_assert_int_eq(plx__poll(entries, 2, PLX_SECOND), 1);
    ck_assert_int_eq(entries[0].revents, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_POLL), polls + 4);
    winsock_double_clock_stop(false);
    couple_close(&hung);
    couple_close(&other);
}

static void clock_forward(void *data)
{
    winsock_double_clock_forward(*(const uint64_t *)data);
}

/* A wait ends with its time, and a look without waiting is the last; the longest one, too. */
static void polls_end_in_time(world *w)
{
    static const uint64_t times[] = {45 * PLX_MILLISECOND, PLX_FOREVER / 4};
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    winsock_double_clock_stop(true);
    for (size_t i = 0; i < 2; i++) {
        uint32_t polls = winsock_double_calls(DOUBLE_POLL);
        winsock_double_act(DOUBLE_POLL, 0, 1, WAIT_TIMEOUT, clock_forward,
                           (void *)(uintptr_t)&times[i]);
        ck_assert_int_eq(plx__poll(&entry, 1, times[i] - PLX_MILLISECOND), 0);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_POLL), polls + 2);
        ck_assert_int_eq(winsock_double_timeout(), 0);
        winsock_double_clock_forward(UINT64_MAX - times[i] + 1);
    }
    winsock_double_clock_stop(false);
    couple_close(&c);
}

/* Who has hung up is told when a second has passed since that was done last, and not when nobody
 * had hung up for a second. Those who have not have no part in that. */
static void hang_ups_are_due_by_the_clock(world *w)
{
    static const struct {
        uint64_t milliseconds;
        int ready;
    } steps[] = {{0, 0}, {999, 0},  {1, 1},    {500, 0}, {499, 0},
                 {1, 1}, {1999, 1}, {2000, 0}, {999, 0}, {2, 1}};
    couple hung = full_open();
    couple idle = couple_open();
    plx__poll_entry entry = {.fd = hung.ours.socket, .events = PLX__POLL_WRITE};
    plx__poll_entry none = {.fd = idle.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    peer_shutdown(&hung.theirs);
    winsock_double_clock_stop(true);
    winsock_double_clock_forward(PLX_SECOND * 10);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        winsock_double_clock_forward(steps[i].milliseconds * PLX_MILLISECOND);
        ck_assert_int_eq(plx__poll(&none, 1, 0), 0);
        int ready = plx__poll(&entry, 1, 0);
        ck_assert_msg(ready == steps[i].ready, "step %u is %d", (unsigned)i, ready);
    }
    winsock_double_clock_stop(false);
    couple_close(&hung);
    couple_close(&idle);
}

/* Who has hung up is told once in a second, not more often; and not at once, after a while in which
 * nobody has hung up. */
static void hang_ups_are_told_a_second_apart(world *w)
{
    couple hung = full_open();
    couple idle = couple_open();
    plx__poll_entry entry = {.fd = hung.ours.socket, .events = PLX__POLL_WRITE};
    plx__poll_entry none = {.fd = idle.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    peer_shutdown(&hung.theirs);
    for (int round = 0; round < 2; round++) {
        uint64_t last = plx__clock_now();
        uint64_t until = last + patience();
        while (plx__poll(&entry, 1, 20 * PLX_MILLISECOND) == 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(entry.revents & POLLHUP, POLLHUP);
        ck_assert_uint_ge(plx__clock_now() - last, 900 * PLX_MILLISECOND);
        ck_assert_int_eq(plx__poll(&entry, 1, 50 * PLX_MILLISECOND), 0);
    }
    ck_assert_int_eq(plx__poll(&none, 1, 2100 * PLX_MILLISECOND), 0);
    ck_assert_int_eq(plx__poll(&entry, 1, 50 * PLX_MILLISECOND), 0);
    couple_close(&hung);
    couple_close(&idle);
}

/* --- select() --------------------------------------------------------------------------------
 */

/* The set grows by half and 64; what it has stays good when there is no memory. */
static void sets_grow(world *w)
{
    void *scratch = NULL;
    (void)w;
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(plx__select_reserve(&scratch, 4, 10), PLX_ENOMEM);
    ck_assert_ptr_null(scratch);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_ok(plx__select_reserve(&scratch, 4, 10));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_ok(plx__select_reserve(&scratch, 4, 79));
    void *before = scratch;
    ck_assert_int_eq(plx__select_reserve(&scratch, 4, 80), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert_ptr_eq(scratch, before);
    ck_ok(plx__select_reserve(&scratch, 4, 80));
    plx__free(scratch);
}

/* As many as there is room for, in each of the three sets. */
static void sets_do_not_overlap(world *w)
{
    enum { MANY = 1000 };
    static couple couples[MANY];
    static plx__poll_entry entries[MANY];
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, 4, MANY));
    for (int i = 0; i < MANY; i++) {
        couples[i] = couple_open();
        entries[i] = (plx__poll_entry){.fd = couples[i].ours.socket,
                                       .events = PLX__POLL_READ | PLX__POLL_WRITE};
        if (i % 3 == 0)
            ck_assert_int_eq(plx__socket_send(couples[i].theirs.socket, "x", 1), 1);
    }
    uint64_t until = plx__clock_now() + patience();
    int readable;
    do {
        readable = 0;
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(plx__select(entries, MANY, 0, scratch), MANY);
        for (int i = 0; i < MANY; i++) {
            ck_assert_int_eq(entries[i].revents & ~PLX__POLL_READ, PLX__POLL_WRITE);
            if ((entries[i].revents & PLX__POLL_READ) != 0)
                ck_assert_int_eq(i % 3, 0);
            readable += (entries[i].revents & PLX__POLL_READ) != 0;
        }
    } while (readable < MANY / 3 + 1);
    plx__free(scratch);
    for (int i = 0; i < MANY; i++)
        couple_close(&couples[i]);
}

/* The timeout is rounded up to a microsecond, and bounded; without a socket it is slept. */
static void timeouts_of_select_are_exact(world *w)
{
    static const struct {
        uint64_t timeout_ns;
        int64_t microseconds;
    } cases[] = {
        {0, 0},
        {1, 1},
        {1000, 1},
        {1001, 2},
        {1999999, 2000},
        {999999001, 1000000},
        {1500000000, 1500000},
        {UINT64_C(2147483646000000000), INT64_C(2147483646000000)},
        {UINT64_C(2147483647000001000), INT64_C(2147483647000001)},
        {UINT64_C(4294967296000002000), INT64_C(2147483647000002)},
        {PLX_FOREVER, -1},
    };
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, c.ours.socket, 1));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(plx__select(&entry, 1, cases[i].timeout_ns, scratch), 1);
        ck_assert_int_eq(winsock_double_timeout(), cases[i].microseconds);
    }
    uint32_t selects = winsock_double_calls(DOUBLE_SELECT);
    entry.events = 0;
    ck_assert_int_eq(plx__select(&entry, 1, 3 * PLX_MILLISECOND, scratch), 0);
    ck_assert_int_eq(winsock_double_timeout(), 3);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SELECT), selects);
    entry.events = PLX__POLL_READ;
    entry.revents = PLX__POLL_READ;
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 0);
    plx__free(scratch);
    couple_close(&c);
}

static void select_that_fails_tells_why(world *w)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, c.ours.socket, 1));
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), PLX_ENOBUFS);
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAENOTSOCK);
    entry.revents = PLX__POLL_WRITE;
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 0); /* It was another's. */
    ck_assert_int_eq(entry.revents, 0);
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAEBADF);
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    plx__free(scratch);
    couple_close(&c);
}

const test_case unit_windows_waits_cases[] = {
    CASE(early_ends_are_waited_out),
    CASE(poll_that_fails_tells_why),
    CASE(build_19040_is_old),
    CASE(build_19041_is_not_old),
    CASE(build_that_is_not_said_is_old),
    CASE(parked_ones_come_back),
    CASE(parking_costs_one_call),
    CASE(polls_end_in_time),
    CASE(hang_ups_are_due_by_the_clock),
    CASE(hang_ups_are_told_a_second_apart),
    CASE(sets_grow),
    CASE(sets_do_not_overlap),
    CASE(timeouts_of_select_are_exact),
    CASE(select_that_fails_tells_why),
    CASES_END,
};
