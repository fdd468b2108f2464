/* tests/behavior_server.c - several loops that share the connections of a server's listeners. */
#include <string.h>

#include "tests/hosted.h"

extern const test_case behavior_server_cases[];

enum { PEERS = 12 };

static uint32_t opened_on(hosted *h, uint32_t index)
{
    return plx__atomic_load(&h->loops[index].opened);
}

static uint32_t open_on(hosted *h, uint32_t index)
{
    return opened_on(h, index) - plx__atomic_load(&h->loops[index].closed);
}

/* Twelve connections and three loops: four each, and each is served by its own. */
static void connections_go_round(world *w)
{
    hosted h = {0};
    peer peers[PEERS];
    hosted_open(w, &h, (plx_server_options){.loops = 3, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, PEERS);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(opened_on(&h, i), PEERS / 3);
    for (size_t i = 0; i < PEERS; i++)
        hosted_ask(w, &peers[i], "who serves me?");
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(plx__atomic_load(&h.loops[i].received), PEERS / 3 * 14);
    plx_server_stats stats;
    plx_server_stats_get(h.server, &stats);
    ck_assert_uint_eq(stats.handed_over, PEERS);
    ck_assert_uint_eq(stats.refused, 0);
    hosted_peers_close(peers, PEERS);
    hosted_until(w, &h, closed, PEERS);
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, started), 3);
    ck_assert_uint_eq(hosted_count(&h, ended), 3);
}

/* After the connections of one loop have closed, the next ones go there. */
static void next_ones_go_where_fewest_are(world *w)
{
    hosted h = {0};
    peer peers[PEERS], later[4];
    size_t left = 0;
    hosted_open(w, &h, (plx_server_options){.loops = 3}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, PEERS);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(opened_on(&h, i), PEERS / 3);
    /* They have gone round, so each third one is on the same loop; which, the first tells. */
    for (size_t i = 0; i < PEERS; i++) {
        if (i % 3 == 1)
            peer_close(&peers[i]);
        else
            peers[left++] = peers[i];
    }
    hosted_until(w, &h, closed, PEERS / 3);
    uint32_t emptied = 3;
    for (uint32_t i = 0; i < 3; i++)
        emptied = open_on(&h, i) == 0 ? i : emptied;
    ck_assert_uint_lt(emptied, 3);
    /* A slot is free a moment after its on_close. */
    for (size_t i = 0; i < 100 && plx_loop_connections(plx_server_loop(h.server, emptied)) > 0; i++)
        turn(w);
    hosted_peers_open(w, &h, later, 4);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(open_on(&h, i), 4);
    hosted_peers_close(peers, left);
    hosted_peers_close(later, 4);
    hosted_close(w, &h);
}

static void chosen_loop_gets_it(world *w)
{
    hosted h = {.chosen = 5}; /* Of two: number 1. */
    peer peers[4];
    hosted_open(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_CHOSEN},
                (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 4);
    ck_assert_uint_eq(opened_on(&h, 1), 4);
    hosted_ask(w, &peers[3], "chosen");
    hosted_peers_close(peers, 4);
    hosted_close(w, &h);
}

static void one_loop_accepts_and_serves(world *w)
{
    hosted h = {0};
    peer peers[4];
    hosted_open(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0});
    ck_assert_ptr_null(plx_server_loop(h.server, 1)); /* Nobody accepts for it. */
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 4);
    hosted_ask(w, &peers[0], "inline");
    hosted_peers_close(peers, 4);
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, ended), 1);
}

/* Policies that systems and backends may lack: each serves, or is refused with a way out. */
static void serve_everywhere_or_refuse(world *w, uint32_t dispatch, bool is_there)
{
    hosted h = {0};
    peer peers[PEERS];
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 3, .dispatch = dispatch},
                     (plx_loop_options){0}));
    ck_assert_int_eq(hosted_listen(&h, "unix:nowhere", (plx_listen_options){0}), PLX_ENOSYS);
    int status = hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0});
    if (!is_there) {
        ck_assert_int_eq(status, PLX_ENOSYS);
        ck_assert_ptr_nonnull(strstr(plx_dispatch_needs(dispatch), "round-robin"));
        ck_ok(plx_server_close(h.server));
        return;
    }
    ck_ok(status);
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, PEERS);
    for (size_t i = 0; i < PEERS; i++)
        hosted_ask(w, &peers[i], "anybody");
    hosted_peers_close(peers, PEERS);
    hosted_until(w, &h, closed, PEERS);
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, ended), 3);
}

static bool system_distributes(world *w)
{
    plx_listener listener;
    const plx_listen_options options = {.reuse_port = 1};
    int status = plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options);
    return status == 0 && plx_listener_close(w->loop, listener) == 0;
}

static void system_distributes_them(world *w)
{
    serve_everywhere_or_refuse(w, PLX_DISPATCH_KERNEL, system_distributes(w));
}

static void all_loops_accept_from_one_socket(world *w)
{
    serve_everywhere_or_refuse(w, PLX_DISPATCH_SHARED,
                               strcmp(w->backend, "epoll") == 0 ||
                                   strcmp(w->backend, "uring") == 0);
}

static enum plx_accept_verdict accept_nobody(plx_loop *loop, plx_listener listener, void *data,
                                             plx_socket socket, const void *bytes, size_t length)
{
    (void)loop;
    (void)listener;
    (void)data;
    (void)socket;
    (void)bytes;
    (void)length;
    return PLX_ACCEPT_REFUSED;
}

static void wrong_options_are_refused(world *w)
{
    hosted h = {0};
    const plx_loop_options plain = {0};
    plx_server *server;
    ck_assert_int_eq(
        hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_INLINE}, plain),
        PLX_EINVAL);
    ck_assert_ptr_null(h.server);
    ck_assert_int_eq(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = 77}, plain),
                     PLX_EINVAL);
    ck_assert_int_eq(hosted_try(w, &h, (plx_server_options){.loops = 1025}, plain), PLX_EINVAL);
    ck_assert_int_eq(
        plx_server_open(&server, &(plx_server_options){.dispatch = PLX_DISPATCH_CHOSEN}),
        PLX_EINVAL);
    ck_assert_int_eq(hosted_try(w, &h, (plx_server_options){.loops = 2},
                                (plx_loop_options){.receive_bytes = UINT32_MAX}),
                     PLX_EINVAL);
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2}, plain));
    ck_assert_int_eq(hosted_listen(&h, "tcp://nowhere", (plx_listen_options){0}), PLX_EADDRESS);
    ck_assert_int_eq(
        hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){.on_accept = accept_nobody}),
        PLX_EINVAL); /* The server has one of its own. */
    ck_assert_int_eq(plx_server_address(h.server, 0, h.address, sizeof h.address), PLX_EINVAL);
    ck_assert_int_eq(plx_server_count(h.server, NULL, NULL), PLX_EINVAL);
    ck_assert_int_eq(plx_server_loop_end(h.server, w->loop, 0), PLX_EINVAL);
    ck_ok(plx_server_close(h.server));
    ck_ok(plx_server_close(NULL));
}

static void processors_have_a_loop_each(world *w)
{
    hosted h = {0};
    ck_ok(hosted_try(w, &h, (plx_server_options){.dispatch = PLX_DISPATCH_ROUND_ROBIN},
                     (plx_loop_options){0}));
    ck_assert_uint_eq(plx_server_loops(h.server), plx__processors_allowed());
    ck_ok(plx_server_close(h.server));
}

static void names_of_policies_are_found(world *w)
{
    (void)w;
    for (uint32_t dispatch = 1; dispatch <= PLX_DISPATCH_FORK; dispatch++)
        ck_assert_uint_eq(plx_dispatch_find(plx_dispatch_name(dispatch)), dispatch);
    ck_assert_uint_eq(plx_dispatch_find("nearest"), 0);
    ck_assert_ptr_null(plx_dispatch_name(0));
    ck_assert_ptr_null(plx_dispatch_name(PLX_DISPATCH_FORK + 1));
    ck_assert_ptr_null(plx_dispatch_needs(PLX_DISPATCH_ROUND_ROBIN));
}

/* One of three loops cannot start: the server ends with its code, and who started is ended. */
static void failed_start_ends_the_server(world *w)
{
    hosted h = {.start_fails = PLX_EACCES};
    if (net_is_sim()) { /* Without threads, they start as the server opens. */
        ck_assert_int_eq(hosted_try(w, &h, (plx_server_options){.loops = 3}, (plx_loop_options){0}),
                         PLX_EACCES);
        ck_assert_uint_eq(hosted_count(&h, ended), 2);
        return;
    }
    hosted_open(w, &h, (plx_server_options){.loops = 3}, (plx_loop_options){0});
    hosted_run(&h);
    ck_assert_int_eq(hosted_wait(w, &h), PLX_EACCES);
    ck_assert_int_eq(plx__atomic_load(&h.loops[2].started), 1);
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, ended), hosted_count(&h, started) - 1);
    ck_assert_uint_eq(plx__atomic_load(&h.loops[2].ended), 0);
}

/* Whatever is open closes on its own loop, before that loop's on_end. */
static void stop_closes_what_is_open(world *w)
{
    hosted h = {0};
    peer peers[6];
    size_t dropped;
    hosted_open(w, &h, (plx_server_options){.loops = 3}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 6);
    plx_server_stop(h.server);
    ck_ok(hosted_wait(w, &h));
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, cancelled), 6);
    for (size_t i = 0; i < 6; i++)
        (void)peer_drain(w, &peers[i], &dropped);
    hosted_peers_close(peers, 6);
}

/* A loop ends by itself; the others serve on, and get what comes. */
static void lost_loop_is_passed_over(world *w)
{
    hosted h = {0};
    peer peers[4], later[4];
    plx_server_stats stats;
    hosted_open(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 4);
    plx_loop_stop(plx_server_loop(h.server, 1));
    hosted_until(w, &h, ended, 1);
    ck_assert_uint_eq(plx__atomic_load(&h.loops[1].cancelled), 2);
    hosted_peers_open(w, &h, later, 4);
    ck_assert_uint_eq(opened_on(&h, 0), 6);
    hosted_ask(w, &later[3], "still here");
    plx_server_stats_get(h.server, &stats);
    ck_assert_uint_eq(stats.loops_lost, 1);
    hosted_peers_close(later, 4);
    hosted_peers_close(peers, 4);
    hosted_close(w, &h);
}

/* When the last loop that serves ends by itself, so does the server. */
static void last_loop_takes_the_server_with_it(world *w)
{
    hosted h = {0};
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_until(w, &h, started, 2);
    plx_loop_stop(plx_server_loop(h.server, 0));
    plx_loop_stop(plx_server_loop(h.server, 1));
    ck_ok(hosted_wait(w, &h));
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, ended), 2);
}

typedef struct admission {
    hosted *hosted;
    uint32_t count;
} admission;

static bool has_asked(void *data)
{
    const admission *a = data;
    return plx__atomic_load(&a->hosted->admissions) >= a->count;
}

/* With each policy that is there: each second one is refused, and none of its callbacks is called.
 */
static void admission_comes_before_the_connection(world *w)
{
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h = {.admits_half = true};
        const uint32_t loops = dispatch == PLX_DISPATCH_INLINE ? 1 : 2;
        size_t dropped;
        plx_server_stats stats;
        ck_ok(hosted_try(w, &h, (plx_server_options){.loops = loops, .dispatch = dispatch},
                         (plx_loop_options){0}));
        if (hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0}) == PLX_ENOSYS) {
            ck_ok(plx_server_close(h.server));
            continue;
        }
        hosted_run(&h);
        for (size_t i = 0; i < 4; i++) {
            peer p = peer_start(h.address);
            turn_until_true(w, has_asked, &(admission){&h, (uint32_t)i + 1});
            if (i % 2 == 0)
                hosted_ask(w, &p, "welcome");
            else
                expect_reset(peer_drain(w, &p, &dropped));
            peer_close(&p);
        }
        hosted_until(w, &h, closed, 2);
        plx_server_stats_get(h.server, &stats);
        ck_assert_uint_eq(stats.denied, 2);
        ck_assert_uint_eq(hosted_count(&h, opened), 2);
        hosted_close(w, &h);
    }
}

/* Without the loop that accepts the server ends, and counts it. */
static void server_ends_with_the_loop_that_accepts(world *w)
{
    hosted h = {0};
    peer one;
    size_t dropped;
    plx_server_stats stats;
    hosted_open(w, &h, (plx_server_options){.loops = 2}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, &one, 1);
    plx_loop_stop(plx_server_loop(h.server, 2));
    ck_ok(hosted_wait(w, &h));
    plx_server_stats_get(h.server, &stats);
    ck_assert_uint_eq(stats.loops_lost, 1);
    ck_assert_uint_eq(hosted_count(&h, cancelled), 1);
    (void)peer_drain(w, &one, &dropped);
    peer_close(&one);
    hosted_close(w, &h);
}

/* Each loop on a processor; the thread that runs the server may still use all of them. */
static void pinned_loops_serve(world *w)
{
    hosted h = {0};
    peer peers[4];
    hosted_open(w, &h, (plx_server_options){.loops = 3, .pin = 1}, (plx_loop_options){0});
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 4);
    hosted_ask(w, &peers[0], "where?");
    hosted_peers_close(peers, 4);
    hosted_close(w, &h);
    ck_assert_uint_eq(hosted_count(&h, ended), 3);
}

/* What arrived with the connection is handed over with it. */
static void first_bytes_go_along(world *w)
{
    hosted h = {0};
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = PLX_DISPATCH_ROUND_ROBIN},
                     (plx_loop_options){0}));
    ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){.accept_receive_first = 1}));
    hosted_run(&h);
    for (int i = 0; i < 4; i++) {
        peer p = peer_open(w, h.address);
        hosted_ask(w, &p, "first");
        hosted_ask(w, &p, "second");
        peer_close(&p);
    }
    hosted_until(w, &h, closed, 4);
    hosted_close(w, &h);
}

const test_case behavior_server_cases[] = {
    CASE(connections_go_round),
    CASE(next_ones_go_where_fewest_are),
    CASE(chosen_loop_gets_it),
    CASE(one_loop_accepts_and_serves),
    CASE(system_distributes_them),
    CASE(all_loops_accept_from_one_socket),
    CASE(wrong_options_are_refused),
    CASE(processors_have_a_loop_each),
    CASE(names_of_policies_are_found),
    CASE(failed_start_ends_the_server),
    CASE(stop_closes_what_is_open),
    CASE(lost_loop_is_passed_over),
    CASE(last_loop_takes_the_server_with_it),
    CASE(server_ends_with_the_loop_that_accepts),
    CASE(pinned_loops_serve),
    CASE(admission_comes_before_the_connection),
    CASE(first_bytes_go_along),
    CASES_END,
};
