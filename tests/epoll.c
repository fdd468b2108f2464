/* tests/epoll.c - what is epoll's own: a set that goes on naming what has been closed. The
 * behaviours say the rest. */
#include "platform/rehearsal.h"
#include "tests/harness.h"

/* Turns of a loop that has nothing to do until a timer fires, and some to spare. */
enum { TURNS_MAX = 20 };

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* Turns the loop for 50 ms, in which nothing is to happen. A loop that spins never comes so far. */
static void expect_rest(world *w)
{
    size_t fired = 0;
    ck_ok(plx_timer_start(w->loop, NULL, 50 * PLX_MILLISECOND, 0, count_fire, &fired));
    for (int turns = 0; turns < TURNS_MAX && fired == 0; turns++)
        ck_ok(plx_loop_run_once(w->loop, PLX_SECOND));
    ck_assert_uint_eq(fired, 1);
}

static void expect_service(world *w, peer *client)
{
    char answer[2];
    peer_send(w, client, "hi", 2);
    peer_receive(w, client, answer, 2);
}

/* The child keeps the connection, which the peer goes on to write to: the set has something to say
 * of it at every wait. */
static void close_while_an_heir_keeps_it(world *w, probe *p, peer *client)
{
    size_t closed = p->closed;
    ck_ok(plx__rehearse_heir_start());
    ck_ok(plx_conn_close(w->loop, p->conn));
    peer_send(w, client, "x", 1);
    turn_until(w, &p->closed, closed + 1);
    expect_rest(w);
}

/* The first is found out by what the set says, the second is taken from the set in time. */
static void what_an_heir_keeps_does_not_haunt_the_loop(world *w)
{
    probe first = {0};
    probe second = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&first), probe_options(&second),
                                  probe_options(&other)};
    peer clients[] = {connect_pair(w, &first, &options[0]), connect_pair(w, &second, &options[1]),
                      connect_pair(w, &other, &options[2])};
    close_while_an_heir_keeps_it(w, &first, &clients[0]);
    expect_service(w, &clients[2]);
    plx__rehearse_heir_end();
    close_while_an_heir_keeps_it(w, &second, &clients[1]);
    expect_service(w, &clients[2]);
    ck_assert_uint_eq(first.closed + second.closed, 2);
    ck_assert_uint_eq(first.received + second.received, 0);
    plx__rehearse_heir_end();
    for (size_t i = 0; i < 3; i++)
        peer_close(&clients[i]);
    turn_until(w, &other.closed, 1);
}

/* As above, and the place in the table and the descriptor are used again at once. */
static void what_takes_the_place_of_a_ghost_is_told_apart(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    (void)listen_at(w, &options, address);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx__rehearse_heir_start());
    ck_ok(plx_conn_close(w->loop, p.conn));
    peer next = peer_start(address);
    turn_until(w, &p.opened, 2);
    peer_send(w, &client, "ghost", 5);
    expect_service(w, &next);
    expect_rest(w);
    ck_assert_uint_eq(p.received, 2);
    plx__rehearse_heir_end();
    peer_close(&client);
    peer_close(&next);
    turn_until(w, &p.closed, 2);
}

/* Without a descriptor for a new set the loop goes on with the old one, slowly, and serves; once
 * there is one it has its rest again. */
static void ghost_without_a_descriptor_does_not_spin(world *w)
{
    probe gone = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&gone), probe_options(&other)};
    peer clients[] = {connect_pair(w, &gone, &options[0]), connect_pair(w, &other, &options[1])};
    ck_ok(plx__rehearse_heir_start());
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
    ck_ok(plx_conn_close(w->loop, gone.conn));
    peer_send(w, &clients[0], "x", 1);
    turn_until(w, &gone.closed, 1);
    turn_some(w); /* The ghost is found. */
    uint64_t before = plx__clock_now();
    for (int i = 0; i < TURNS_MAX; i++)
        ck_ok(plx_loop_run_once(w->loop, PLX_SECOND));
    ck_assert_uint_ge(plx__clock_now() - before, TURNS_MAX * (5 * PLX_MILLISECOND));
    expect_service(w, &clients[1]);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 0);
    turn(w);
    expect_rest(w);
    plx__rehearse_heir_end();
    for (size_t i = 0; i < 2; i++)
        peer_close(&clients[i]);
    turn_until(w, &other.closed, 1);
}

static const test_case epoll_cases[] = {
    CASE(what_an_heir_keeps_does_not_haunt_the_loop),
    CASE(what_takes_the_place_of_a_ghost_is_told_apart),
    CASE(ghost_without_a_descriptor_does_not_spin),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {epoll_cases, NULL};
    return suite_main(argc, argv, groups, true);
}
