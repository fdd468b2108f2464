/* tests/unit_poll.c - one contract for poll(), WSAPoll and select(): the rows of the table
 * "WSAPoll" in docs/windows.md that a machine of one's own can show. Each case runs on both waits.
 */
#include <string.h>

#include "platform/os.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case unit_poll_cases[];

typedef int (*wait_fn)(plx__poll_entry *entries, size_t count, uint64_t timeout_ns);

static int select_wait(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
    void *scratch = NULL;
    for (size_t i = 0; i < count; i++)
        ck_ok(plx__select_reserve(&scratch, entries[i].fd, count));
    if (count == 0)
        ck_ok(plx__select_reserve(&scratch, 0, 1));
    int ready = plx__select(entries, count, timeout_ns, scratch);
    plx__free(scratch);
    return ready;
}

static const wait_fn waits[] = {plx__poll, select_wait};

#define FOR_BOTH(wait)                                                                             \
    for (size_t n_ = 0; n_ < 2; n_++)                                                              \
        for (wait_fn wait = waits[n_]; wait != NULL; wait = NULL)

/* Row 8: nothing to wait for is a sleep, not an error and not a spin. */
static void wait_for_nothing_is_a_sleep(world *w)
{
    (void)w;
    FOR_BOTH(wait)
    {
        plx__poll_entry none = {.fd = 0};
        uint64_t before = plx__clock_now();
        ck_assert_int_eq(wait(&none, 0, 20 * PLX_MILLISECOND), 0);
        ck_assert_uint_ge(plx__clock_now() - before, 19 * PLX_MILLISECOND);
    }
}

/* Where nothing is ready every entry says so, whatever stood there. */
static void entries_that_are_not_ready_say_nothing(world *w)
{
    enum { SOME = 3 };
    couple c = couple_open();
    (void)w;
    FOR_BOTH(wait)
    {
        plx__poll_entry entries[SOME];
        for (int i = 0; i < SOME; i++)
            entries[i] = (plx__poll_entry){
                .fd = c.ours.socket, .events = PLX__POLL_READ, .revents = PLX__POLL_READ};
        ck_assert_int_eq(wait(entries, SOME, 0), 0);
        for (int i = 0; i < SOME; i++)
            ck_assert_int_eq(entries[i].revents, 0);
    }
    couple_close(&c);
}

/* Row 16: timeouts of less than a millisecond are waited for, not rounded to nothing. */
static void short_waits_are_not_early(world *w)
{
    couple c = couple_open();
    (void)w;
    FOR_BOTH(wait)
    {
        for (uint64_t timeout = 100 * PLX_MICROSECOND; timeout < 30 * PLX_MILLISECOND;
             timeout *= 3) {
            plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
            uint64_t before = plx__clock_now();
            ck_assert_int_eq(wait(&entry, 1, timeout), 0);
            ck_assert_uint_ge(plx__clock_now() - before + 20 * PLX_MICROSECOND, timeout);
        }
    }
    couple_close(&c);
}

/* Rows 4 and 5: what is asked for is what is told: data to read, room to write, or both. */
static void interest_is_told_apart(world *w)
{
    couple c = couple_open();
    (void)w;
    FOR_BOTH(wait)
    {
        plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ | PLX__POLL_WRITE};
        ck_assert_int_eq(wait(&entry, 1, patience()), 1);
        ck_assert_int_eq(entry.revents, PLX__POLL_WRITE);
        peer_send(w, &c.theirs, "x", 1);
        entry.events = PLX__POLL_READ;
        ck_assert_int_eq(wait(&entry, 1, patience()), 1);
        ck_assert_int_eq(entry.revents, PLX__POLL_READ);
        entry.events = PLX__POLL_READ | PLX__POLL_WRITE;
        ck_assert_int_eq(wait(&entry, 1, patience()), 1);
        ck_assert_int_eq(entry.revents, PLX__POLL_READ | PLX__POLL_WRITE);
        char byte;
        ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 1);
    }
    couple_close(&c);
}

/* Row 6: the end of the stream counts as readable, with data before it and without. */
static void end_is_readable(world *w)
{
    (void)w;
    FOR_BOTH(wait)
    {
        couple c = couple_open();
        char byte;
        plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
        peer_send(w, &c.theirs, "x", 1);
        peer_shutdown(&c.theirs);
        ck_assert_int_eq(wait(&entry, 1, patience()), 1);
        ck_assert_int_ne(entry.revents & PLX__POLL_READABLE, 0);
        ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 1);
        ck_assert_int_eq(wait(&entry, 1, patience()), 1);
        ck_assert_int_ne(entry.revents & PLX__POLL_READABLE, 0);
        ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 0);
        couple_close(&c);
    }
}

/* Row 6 again: the peer has shut its side and reads nothing. Waiting to write to it is a wait, and
 * others are still seen meanwhile; when it reads, the wait ends. */
static void hang_up_does_not_end_a_wait_to_write(world *w)
{
    static unsigned char bytes[65536];
    (void)w;
    FOR_BOTH(wait)
    {
        couple c = couple_open();
        couple other = couple_open();
        plx__poll_entry entries[2] = {
            {.fd = c.ours.socket, .events = PLX__POLL_WRITE},
            {.fd = other.ours.socket, .events = PLX__POLL_READ},
        };
        /* Until it stays full: what is on its way makes room again. */
        do {
            while (plx__socket_send(c.ours.socket, bytes, sizeof bytes) > 0)
                continue;
        } while (wait(entries, 1, 5 * PLX_MILLISECOND) > 0);
        peer_shutdown(&c.theirs);
        uint64_t before = plx__clock_now();
        ck_assert_int_eq(wait(entries, 2, 40 * PLX_MILLISECOND), 0);
        ck_assert_uint_ge(plx__clock_now() - before, 39 * PLX_MILLISECOND);
        peer_send(w, &other.theirs, "x", 1);
        ck_assert_int_eq(wait(entries, 2, patience()), 1);
        ck_assert_int_eq(entries[1].revents, PLX__POLL_READ);
        uint64_t until = plx__clock_now() + patience();
        do {
            ck_assert_uint_lt(plx__clock_now(), until);
            (void)peer_try(&c.theirs, bytes, sizeof bytes);
        } while (wait(entries, 1, 0) == 0);
        ck_assert_int_ne(entries[0].revents & PLX__POLL_WRITABLE, 0);
        couple_close(&c);
        couple_close(&other);
    }
}

/* Rows 1 to 3: a refused connect ends a wait to write, on a Windows that tells and on one that does
 * not, and what is said of it afterwards is a refusal, however often one asks. */
static void refusal_ends_a_wait_to_write(world *w)
{
    (void)w;
    for (int is_old = 0; is_old < 2; is_old++) {
        plx__test_old_poll(is_old == 1);
        FOR_BOTH(wait)
        {
            peer p = peer_refused();
            plx__poll_entry entry = {.fd = p.socket, .events = PLX__POLL_WRITE};
            ck_assert_int_eq(wait(&entry, 1, patience()), 1);
            ck_assert_int_ne(entry.revents & PLX__POLL_WRITABLE, 0);
            ck_assert_int_eq(plx__socket_connect_result(p.socket), PLX_ECONNREFUSED);
            ck_assert_int_ne(plx__socket_connect_result(p.socket), 0);
            peer_close(&p);
        }
    }
    plx__test_old_poll(false);
}

/* Rows 9 and 10: a closed socket among others says so, and is counted; so when all are closed. */
static void closed_sockets_say_so(world *w)
{
    (void)w;
    FOR_BOTH(wait)
    {
        couple c = couple_open();
        couple gone = couple_open();
        plx__poll_entry entries[3] = {
            {.fd = gone.ours.socket, .events = PLX__POLL_READ},
            {.fd = c.ours.socket, .events = PLX__POLL_READ},
            {.fd = gone.theirs.socket, .events = PLX__POLL_READ},
        };
        couple_close(&gone);
        uint64_t before = plx__clock_now();
        ck_assert_int_eq(wait(entries, 3, 40 * PLX_MILLISECOND), 2);
        ck_assert_int_eq(entries[0].revents, POLLNVAL);
        ck_assert_int_eq(entries[1].revents, 0);
        ck_assert_int_eq(entries[2].revents, POLLNVAL);
        /* WSAPoll keeps it for the end of the wait; it must not be kept for longer. */
        ck_assert_uint_lt(plx__clock_now() - before, patience());
        entries[1] = entries[2];
        ck_assert_int_eq(wait(entries, 2, patience()), 2);
        couple_close(&c);
    }
}

/* A reset is told to those who wait to read and to those who wait to write. */
static void reset_is_told(world *w)
{
    (void)w;
    FOR_BOTH(wait)
    {
        for (int writes = 0; writes < 2; writes++) {
            couple c = couple_open();
            short events = writes != 0 ? PLX__POLL_WRITE : PLX__POLL_READ;
            plx__poll_entry entry = {.fd = c.ours.socket, .events = events};
            peer_reset(&c.theirs);
            ck_assert_int_eq(wait(&entry, 1, patience()), 1);
            ck_assert_int_ne(entry.revents & (PLX__POLL_READABLE | PLX__POLL_WRITABLE), 0);
            couple_close(&c);
        }
    }
}

/* Many sockets, of which a few are ready: exactly those are told, in whatever order the system
 * keeps them. Beyond 64 on Windows and beyond 1,024 on Unix, where select()'s own sets end. */
static void many_sockets_are_told_apart(world *w)
{
    enum { MANY = 700 };
    static couple couples[MANY];
    static plx__poll_entry entries[2 * MANY];
    (void)w;
    for (int i = 0; i < MANY; i++) {
        couples[i] = couple_open();
        entries[2 * i] = (plx__poll_entry){.fd = couples[i].ours.socket, .events = PLX__POLL_READ};
        entries[2 * i + 1] =
            (plx__poll_entry){.fd = couples[i].theirs.socket, .events = PLX__POLL_READ};
    }
    FOR_BOTH(wait)
    {
        char byte;
        for (int i = 0; i < MANY; i += 50)
            peer_send(w, &couples[i].ours, "x", 1);
        int expected = (MANY + 49) / 50;
        uint64_t until = plx__clock_now() + patience();
        while (wait(entries, 2 * MANY, patience()) < expected)
            ck_assert_uint_lt(plx__clock_now(), until);
        for (int i = 0; i < MANY; i++) {
            ck_assert_int_eq(entries[2 * i].revents, 0);
            ck_assert_int_eq(entries[2 * i + 1].revents, i % 50 == 0 ? PLX__POLL_READ : 0);
            if (i % 50 == 0)
                ck_assert_int_eq(peer_try(&couples[i].theirs, &byte, 1), 1);
        }
    }
    for (int i = 0; i < MANY; i++)
        couple_close(&couples[i]);
}

/* The same socket may stand in the array twice. */
static void one_socket_in_two_entries(world *w)
{
    couple c = couple_open();
    plx__poll_entry entries[2] = {
        {.fd = c.ours.socket, .events = PLX__POLL_READ},
        {.fd = c.ours.socket, .events = PLX__POLL_READ},
    };
    peer_send(w, &c.theirs, "x", 1);
    FOR_BOTH(wait)
    {
        int ready = wait(entries, 2, patience());
        ck_assert_int_ge(ready, 1); /* Wine tells only the second. */
        ck_assert_int_ne(entries[0].revents | entries[1].revents, 0);
    }
    couple_close(&c);
}

/* A signal ends the wait early, with nothing to say: what the entries said before is not said
 * again. */
static void interrupted_wait_says_nothing(world *w)
{
    couple c = couple_open();
    (void)w;
    if (plx__test_interruptions_start() == 0) {
        FOR_BOTH(wait)
        {
            plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
            for (int i = 0; i < 10; i++) {
                entry.revents = PLX__POLL_READ;
                ck_assert_int_eq(wait(&entry, 1, PLX_FOREVER), 0); /* Nothing else ends it. */
                ck_assert_int_eq(entry.revents, 0);
            }
        }
        (void)plx__test_interruptions_end();
    }
    couple_close(&c);
}

const test_case unit_poll_cases[] = {
    CASE(wait_for_nothing_is_a_sleep),
    CASE(entries_that_are_not_ready_say_nothing),
    CASE(short_waits_are_not_early),
    CASE(interest_is_told_apart),
    CASE(end_is_readable),
    CASE(hang_up_does_not_end_a_wait_to_write),
    CASE(refusal_ends_a_wait_to_write),
    CASE(closed_sockets_say_so),
    CASE(reset_is_told),
    CASE(many_sockets_are_told_apart),
    CASE(one_socket_in_two_entries),
    CASE(interrupted_wait_says_nothing),
    CASES_END,
};
