/* tests/behavior_watch_end.c - what a watch carries, and how its user learns that it is over. */
#include "platform/test_system.h"
#include "tests/child.h"
#include "tests/harness.h"

extern const test_case behavior_watch_end_cases[];

/* The data of one watch. */
typedef struct owner {
    size_t told;    /* Calls of on_ready, */
    uint32_t ready; /* and what the last one said. */
    size_t closed;
    int reason;
    plx_watch gone;
    bool closes; /* Itself, in on_ready. */
} owner;

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    owner *o = data;
    (void)socket;
    ck_assert_uint_eq(o->closed, 0);
    o->told++;
    o->ready = ready;
    if (o->closes)
        ck_ok(plx_watch_close(loop, watch));
}

static void on_close(plx_loop *loop, plx_watch watch, void *data, int reason)
{
    owner *o = data;
    o->closed++;
    o->reason = reason;
    o->gone = watch;
    ck_assert_int_eq(plx_watch_close(loop, watch), PLX_ESTALE);
}

static plx_watch watch_open(plx_loop *loop, plx_socket socket, uint32_t interest, owner *o)
{
    plx_watch watch;
    ck_ok(plx_watch_open(loop, &watch, socket, interest, on_ready, o));
    ck_ok(plx_watch_set_on_close(loop, watch, on_close));
    return watch;
}

static void watch_tells_its_interest(world *w)
{
    couple c = couple_open();
    owner o = {0};
    plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_WRITABLE, &o);
    ck_assert_uint_eq(plx_watch_interest(w->loop, watch), PLX_WRITABLE);
    ck_ok(plx_watch_set(w->loop, watch, PLX_READABLE | PLX_WRITABLE));
    ck_assert_uint_eq(plx_watch_interest(w->loop, watch), PLX_READABLE | PLX_WRITABLE);
    ck_assert_int_eq(plx_watch_set(w->loop, watch, 8), PLX_EINVAL);
    ck_assert_uint_eq(plx_watch_interest(w->loop, watch), PLX_READABLE | PLX_WRITABLE);
    ck_ok(plx_watch_set(w->loop, watch, 0));
    ck_assert_uint_eq(plx_watch_interest(w->loop, watch), 0);
    ck_ok(plx_watch_set(w->loop, watch, PLX_READABLE));
    ck_ok(plx_watch_close(w->loop, watch));
    ck_assert_uint_eq(plx_watch_interest(w->loop, watch), 0);
    turn_until(w, &o.closed, 1);
    couple_close(&c);
}

/* Every callback that follows gets the new data. */
static void watch_data_changes(world *w)
{
    couple c = couple_open();
    owner first = {0}, second = {0};
    plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_WRITABLE, &first);
    turn_until(w, &first.told, 1);
    ck_assert_ptr_eq(plx_watch_data(w->loop, watch), &first);
    ck_ok(plx_watch_set_data(w->loop, watch, &second));
    ck_assert_ptr_eq(plx_watch_data(w->loop, watch), &second);
    turn_until(w, &second.told, 1);
    ck_assert_uint_eq(first.told, 1);
    ck_ok(plx_watch_close(w->loop, watch));
    ck_assert_ptr_null(plx_watch_data(w->loop, watch));
    ck_assert_int_eq(plx_watch_set_data(w->loop, watch, &first), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_set_on_close(w->loop, watch, on_close), PLX_ESTALE);
    turn_until(w, &second.closed, 1);
    ck_assert_uint_eq(first.closed, 0);
    couple_close(&c);
}

/* Once, in a later step, and nothing comes after it; from outside and from its own callback. */
static void watch_tells_that_it_is_closed(world *w)
{
    for (int closes = 0; closes < 2; closes++) {
        couple c = couple_open();
        owner o = {.closes = closes != 0};
        plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_WRITABLE, &o);
        turn_until(w, &o.told, 1);
        if (!o.closes)
            ck_ok(plx_watch_close(w->loop, watch));
        ck_assert_uint_eq(o.closed, o.closes ? 1 : 0); /* The turn that called it is over. */
        peer_close(&c.ours);                           /* At once, as promised. */
        turn_until(w, &o.closed, 1);
        ck_ok(o.reason);
        ck_assert_uint_eq(o.gone.bits, watch.bits);
        turn_some(w);
        ck_assert_uint_eq(o.closed, 1);
        couple_close(&c);
    }
}

/* Who does not want to be told any more is not. */
static void watch_close_may_be_silent(world *w)
{
    couple c = couple_open();
    owner o = {0};
    plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_READABLE, &o);
    ck_ok(plx_watch_set_on_close(w->loop, watch, NULL));
    ck_ok(plx_watch_close(w->loop, watch));
    turn_some(w);
    ck_assert_uint_eq(o.closed, 0);
    couple_close(&c);
}

/* The run of a loop with nothing else on it does not end before a watch is told that it is over,
 * even if that is in the background. */
static void run_ends_after_the_watch_is_told(world *w)
{
    for (int is_background = 0; is_background < 2; is_background++) {
        couple c = couple_open();
        owner o = {0};
        plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_READABLE, &o);
        ck_ok(plx_watch_set_background(w->loop, watch, is_background));
        ck_ok(plx_watch_close(w->loop, watch));
        ck_ok(plx_loop_run(w->loop));
        ck_assert_uint_eq(o.closed, 1);
        couple_close(&c);
    }
}

static void free_owner(plx_loop *loop, plx_watch watch, void *data, int reason)
{
    (void)loop;
    (void)watch;
    ck_assert_int_eq(reason, PLX_ECANCELED);
    plx__free(data);
}

/* A loop that closes tells all of its watches, whose data can be freed there. */
static void closing_loop_tells_watches(world *w)
{
    enum { MANY = 40 };
    couple couples[MANY];
    plx_loop *other = world_loop_open(w);
    uint32_t before = plx__fault_held(PLX__FAULT_MEMORY);
    for (int i = 0; i < MANY; i++) {
        plx_watch watch;
        owner *o = plx__allocate_zeroed(1, sizeof *o);
        ck_assert_ptr_nonnull(o);
        couples[i] = couple_open();
        ck_ok(plx_watch_open(other, &watch, couples[i].ours.socket, PLX_WRITABLE, on_ready, o));
        ck_ok(plx_watch_set_on_close(other, watch, free_owner));
    }
    ck_ok(plx_loop_run_once(other, 0));
    ck_ok(plx_loop_close(other));
    ck_assert_uint_lt(plx__fault_held(PLX__FAULT_MEMORY), before);
    for (int i = 0; i < MANY; i++)
        couple_close(&couples[i]);
}

enum { FILLERS_MAX = 64 };

/* A watch whose socket is closed, and whose number a connection of the loop has, is over. It is
 * told that by on_ready, unless it was closed meanwhile, and then by on_close. */
static void lost_watch_tells_that_it_is_over(world *w)
{
    for (int closes = 0; closes < 2; closes++) {
        couple c = couple_open();
        owner o = {0};
        plx_socket fillers[FILLERS_MAX];
        size_t count = 0;
        plx_conn conn;
        char address[PLX_ADDRESS_TEXT_MAX];
        plx_socket refusing = socket_refusing(address);
        plx_socket number = c.ours.socket;
        plx_watch watch = watch_open(w->loop, number, PLX_READABLE, &o);
        ck_ok(plx_watch_set_background(w->loop, watch, 1));
        do { /* Of the free numbers it is to be the lowest. */
            ck_assert_uint_lt(count, FILLERS_MAX);
            ck_ok(net_open(&fillers[count++], PLX__FAMILY_IPV4));
        } while (fillers[count - 1] < number);
        peer_close(&c.ours);
        ck_ok(plx_connect(w->loop, &conn, address, NULL));
        bool is_lost = counter(w, sockets_lost) == (unsigned)closes + 1;
#ifndef _WIN32
        ck_assert(is_lost); /* POSIX, open(). */
#endif
        if (closes || !is_lost) {
            ck_ok(plx_watch_close(w->loop, watch));
        } else { /* on_ready is still to be called; no interest is registered any more. */
            ck_ok(plx_watch_set_background(w->loop, watch, 1));
            ck_ok(plx_watch_set(w->loop, watch, PLX_WRITABLE));
        }
        ck_ok(plx_loop_run(w->loop));
        ck_assert_uint_eq(o.closed, 1);
        ck_assert_int_eq(o.reason, closes || !is_lost ? 0 : PLX_EBADF);
        ck_assert_uint_eq(o.told, closes || !is_lost ? 0 : 1);
        ck_assert_uint_eq(o.ready, closes || !is_lost ? 0 : PLX_FAILED);
        while (count > 0)
            net_close(fillers[--count]);
        net_close(refusing);
        peer_close(&c.theirs);
    }
}

/* The same for one whose backend finds the descriptor closed, or its owner closes it later. */
static void watch_whose_socket_was_closed_is_over_once(world *w)
{
    couple c = couple_open();
    owner o = {0};
    plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_READABLE, &o);
    turn_some(w);
    peer_close(&c.ours);
    turn_some(w);
    int status = plx_watch_close(w->loop, watch);
    ck_assert_int_eq(status, o.told == 1 ? PLX_ESTALE : 0);
    turn_until(w, &o.closed, 1);
    ck_assert_int_eq(o.reason, status == 0 ? 0 : PLX_EBADF);
    peer_close(&c.theirs);
}

static void never(plx_loop *loop, plx_watch watch, void *data, int reason)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)reason;
    ck_abort_msg("on_close was called");
}

/* A watch that does not open is nobody's, and an abandoned loop calls nobody. */
static void watch_is_not_told_in_a_child(world *w)
{
    couple c = couple_open();
    owner o = {0};
    if (child_is_possible(w)) {
        plx_watch watch = watch_open(w->loop, c.ours.socket, PLX_READABLE, &o);
        if (child_fork()) {
            ck_assert_uint_eq(plx_watch_interest(w->loop, watch), 0);
            ck_assert_ptr_null(plx_watch_data(w->loop, watch));
            ck_assert_int_eq(plx_watch_set_on_close(w->loop, watch, never), PLX_ESTALE);
            plx_loop_abandon(w->loop);
            ck_assert_uint_eq(o.closed, 0);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
        ck_ok(plx_watch_close(w->loop, watch));
        turn_until(w, &o.closed, 1);
    }
    couple_close(&c);
}

/* Two owners of one socket, as watch.h says: one reads, the other writes. */
typedef struct shared {
    size_t reads, writes;
} shared;

static void on_shared(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                      uint32_t ready)
{
    shared *s = data;
    peer ours = {socket};
    char byte;
    if ((ready & PLX_READABLE) != 0)
        s->reads += peer_try(&ours, &byte, 1) == 1;
    if ((ready & PLX_WRITABLE) != 0) {
        s->writes++;
        uint32_t left = plx_watch_interest(loop, watch) & ~(uint32_t)PLX_WRITABLE;
        ck_ok(plx_watch_set(loop, watch, left));
    }
}

static void two_owners_share_a_watch(world *w)
{
    couple c = couple_open();
    shared s = {0};
    plx_watch watch;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, on_shared, &s));
    for (size_t i = 1; i <= 3; i++) {
        uint32_t both = plx_watch_interest(w->loop, watch) | PLX_WRITABLE;
        ck_ok(plx_watch_set(w->loop, watch, both));
        turn_until(w, &s.writes, i);
        ck_assert_uint_eq(plx_watch_interest(w->loop, watch), PLX_READABLE);
        peer_send(w, &c.theirs, "x", 1);
        turn_until(w, &s.reads, i);
    }
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

const test_case behavior_watch_end_cases[] = {
    CASE(watch_tells_its_interest),
    CASE(watch_data_changes),
    CASE(watch_tells_that_it_is_closed),
    CASE(watch_close_may_be_silent),
    CASE(run_ends_after_the_watch_is_told),
    CASE(closing_loop_tells_watches),
    CASE(lost_watch_tells_that_it_is_over),
    CASE(watch_whose_socket_was_closed_is_over_once),
    CASE(watch_is_not_told_in_a_child),
    CASE(two_owners_share_a_watch),
    CASES_END,
};
