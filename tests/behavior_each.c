/* tests/behavior_each.c - what a loop carries for its user, and visits to all its connections. */
#include "tests/child.h"
#include "tests/harness.h"

extern const test_case behavior_each_cases[];

/* The loop has one pointer of the user's, and each loop its own. */
static void loop_carries_data(world *w)
{
    int mine = 0;
    plx_loop *other = world_loop_open(w);
    ck_assert_ptr_null(plx_loop_data(w->loop));
    plx_loop_set_data(w->loop, &mine);
    ck_assert_ptr_null(plx_loop_data(other));
    plx_loop_set_data(other, other);
    turn(w);
    ck_assert_ptr_eq(plx_loop_data(w->loop), &mine);
    plx_loop_set_data(w->loop, NULL);
    ck_assert_ptr_null(plx_loop_data(w->loop));
    ck_assert_ptr_eq(plx_loop_data(other), other);
    ck_ok(plx_loop_close(other));
}

enum { MANY = 300 }; /* More than a chunk of slots. */

typedef struct visitor {
    world *w;
    probe probes; /* Of all connections. */
    peer peers[MANY];
    plx_conn_options options;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn visited[4 * MANY]; /* In this order. */
    size_t count;
    size_t stop_at; /* That visit returns STOPPED. */
} visitor;

enum { STOPPED = 77 };

static void visitor_open(world *w, visitor *v)
{
    *v = (visitor){.w = w, .options = probe_options(&v->probes)};
    (void)listen_at(w, &v->options, v->address);
    for (size_t i = 0; i < MANY; i++) {
        v->peers[i] = peer_start(v->address);
        if (i % 32 == 31 || i == MANY - 1)
            turn_until(w, &v->probes.opened, i + 1);
    }
}

static void visitor_close(visitor *v)
{
    for (size_t i = 0; i < MANY; i++)
        peer_close(&v->peers[i]);
}

static int visit(plx_loop *loop, plx_conn conn, void *data)
{
    visitor *v = data;
    ck_assert_ptr_eq(loop, v->w->loop);
    ck_assert_uint_lt(v->count, 4 * MANY);
    ck_assert_ptr_eq(plx_conn_data(loop, conn), &v->probes); /* It is open. */
    v->visited[v->count++] = conn;
    return v->count == v->stop_at ? STOPPED : 0;
}

static bool has_visited_twice(const visitor *v)
{
    for (size_t i = 0; i < v->count; i++) {
        for (size_t n = 0; n < i; n++) {
            if (v->visited[i].bits == v->visited[n].bits)
                return true;
        }
    }
    return false;
}

/* Each connection once; and from the beginning the next time, whatever stopped it before. */
static void each_connection_is_visited_once(world *w)
{
    static visitor v;
    visitor_open(w, &v);
    ck_ok(plx_loop_each_conn(w->loop, visit, &v));
    ck_assert_uint_eq(v.count, MANY);
    ck_assert(!has_visited_twice(&v));
    v.count = 0;
    v.stop_at = 7;
    ck_assert_int_eq(plx_loop_each_conn(w->loop, visit, &v), STOPPED);
    ck_assert_uint_eq(v.count, 7);
    v.count = 0;
    v.stop_at = MANY;
    ck_assert_int_eq(plx_loop_each_conn(w->loop, visit, &v), STOPPED);
    ck_assert_uint_eq(v.count, MANY);
    ck_assert_int_eq(plx_loop_each_conn(w->loop, NULL, &v), PLX_EINVAL);
    visitor_close(&v);
}

/* Those that have closed are not visited, and those that connect are. */
static void visits_are_to_the_open(world *w)
{
    static visitor v;
    plx_conn connecting;
    visitor_open(w, &v);
    for (int i = 0; i < 10; i++) {
        v.count = 0;
        ck_ok(plx_loop_each_conn(w->loop, visit, &v));
        ck_assert_uint_eq(v.count, MANY - (unsigned)i);
        ck_ok(plx_conn_close(w->loop, v.visited[i])); /* Whose on_close is to come yet. */
    }
    turn_until(w, &v.probes.closed, 10);
    ck_ok(plx_connect(w->loop, &connecting, v.address, &v.options));
    v.count = 0;
    ck_ok(plx_loop_each_conn(w->loop, visit, &v));
    ck_assert_uint_eq(v.count, MANY - 10 + 1);
    ck_assert(!has_visited_twice(&v));
    visitor_close(&v);
}

/* Closes the one that is visited, and opens one. */
static int replace(plx_loop *loop, plx_conn conn, void *data)
{
    visitor *v = data;
    (void)visit(loop, conn, data);
    ck_ok(plx_conn_close(loop, conn));
    ck_ok(plx_connect(loop, NULL, v->address, &v->options));
    return 0;
}

static int close_all_others(plx_loop *loop, plx_conn conn, void *data)
{
    visitor *v = data;
    for (size_t i = 0; i < v->count; i++) {
        if (v->visited[i].bits != conn.bits)
            ck_ok(plx_conn_close(loop, v->visited[i]));
    }
    v->count = 1;
    return 0;
}

/* Visits may close whom they visit and all others, and open connections without end. */
static void visits_may_close_and_open(world *w)
{
    static visitor v;
    visitor_open(w, &v);
    ck_ok(plx_loop_each_conn(w->loop, replace, &v));
    ck_assert_uint_ge(v.count, MANY);
    ck_assert(!has_visited_twice(&v));
    turn_until_counter(w, connections_closed, v.count);
    v.count = 0;
    ck_ok(plx_loop_each_conn(w->loop, visit, &v));
    ck_ok(plx_loop_each_conn(w->loop, close_all_others, &v));
    ck_assert_uint_eq(v.count, 1); /* The first has left none to be visited. */
    visitor_close(&v);
}

static int use_the_loop(plx_loop *loop, plx_conn conn, void *data)
{
    ck_assert_int_eq(plx_loop_close(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run_once(loop, 0), PLX_EBUSY);
    return visit(loop, conn, data);
}

static size_t visit_on_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    (void)conn;
    (void)bytes;
    ck_ok(plx_loop_each_conn(loop, use_the_loop, p->more));
    ck_assert_int_eq(plx_loop_run_once(loop, 0), PLX_EBUSY); /* The turn goes on. */
    return length;
}

/* In a callback and between turns: the loop can be used as in every callback, and after it. */
static void visits_are_callbacks(world *w)
{
    static visitor v;
    visitor_open(w, &v);
    v.probes.more = &v;
    v.probes.then_data = visit_on_data;
    peer_send(w, &v.peers[0], "x", 1);
    turn_until(w, &v.probes.received, 1);
    ck_assert_uint_eq(v.count, MANY);
    v.count = 0;
    ck_ok(plx_loop_each_conn(w->loop, use_the_loop, &v));
    ck_assert_uint_eq(v.count, MANY);
    turn(w);
    visitor_close(&v);
}

static int fork_at_three(plx_loop *loop, plx_conn conn, void *data)
{
    visitor *v = data;
    (void)loop;
    (void)conn;
    return ++v->count == 3 && child_fork() ? -1 : 0;
}

/* A child's copy is refused; a visit that has forked is the last in the child. */
static void visits_of_a_child_are_refused(world *w)
{
    static visitor v;
    if (!child_is_possible(w))
        return;
    visitor_open(w, &v);
    int result = plx_loop_each_conn(w->loop, fork_at_three, &v);
    if (result != 0) {
        ck_assert_int_eq(result, PLX_EBUSY);
        ck_assert_uint_eq(v.count, 3);
        ck_assert_int_eq(plx_loop_each_conn(w->loop, visit, &v), PLX_EBUSY);
        ck_assert_uint_eq(v.count, 3);
        plx_loop_abandon(w->loop);
        plx__test_report(CHILD_IS_GOOD);
    }
    ck_assert_uint_eq(v.count, MANY);
    child_join();
    visitor_close(&v);
}

const test_case behavior_each_cases[] = {
    CASE(loop_carries_data),
    CASE(each_connection_is_visited_once),
    CASE(visits_are_to_the_open),
    CASE(visits_may_close_and_open),
    CASE(visits_are_callbacks),
    CASE(visits_of_a_child_are_refused),
    CASES_END,
};
