/* tests/behavior_children.c - servers that fork: a child for each loop, or for each connection.
 *
 * Only a process with one thread may do that, so a process of its own has the server. It tells the
 * case its address and its end by a channel, and drains when the case has closed it. Where there is
 * no fork() the cases end at once.
 */
#include <pollux/watch.h>
#include <stdlib.h>
#include <string.h>

#include "platform/child.h"
#include "platform/test_system.h"
#include "tests/child.h"
#include "tests/hosted.h"

extern const test_case behavior_children_cases[];

/* What the server's process tells at its end. */
typedef struct ending {
    int32_t status;
    uint32_t loops;
    plx_server_stats stats;
    plx_loop_stats loop;
} ending;

typedef struct parent {
    world *w;
    plx_server_options options;
    int start_fails;   /* What on_start returns. */
    bool drains_first; /* Before it runs, without a deadline. */
    bool lacks;        /* Once while it runs, this: */
    enum plx__fault_kind what;
    uint32_t spared;       /* After so many that it gets. */
    uint64_t drain_ns;     /* When the case has closed the channel; 0: it stops. */
    plx_socket channel[2]; /* The case's end, and the server's. */
    int process;
    char address[PLX_ADDRESS_TEXT_MAX];
} parent;

/* --- in the server's process ------------------------------------------------------------------ */

/* "die" has the child die; "who" is answered with the child's number, "half" with nothing before
 * the rest comes, and anything else with itself. */
static size_t conn_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    if (length == 3 && memcmp(bytes, "die", 3) == 0)
        plx__child_exit(1);
    if (length == 3 && memcmp(bytes, "who", 3) == 0)
        bytes = plx_loop_data(loop);
    if (length == 4 && memcmp(bytes, "half", 4) == 0)
        return 0;
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    return length;
}

/* In a child. */
static int loop_started(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    static const char numbers[] = "n-0n-1n-2n-3";
    const parent *p = data;
    (void)server;
    plx_loop_set_data(loop, (void *)(uintptr_t)(numbers + 3 * (index % 4)));
    if (strcmp(plx_loop_backend_name(loop), p->w->backend) != 0)
        return PLX_EINVAL; /* It is not the one that the server was opened with. */
    return p->start_fails;
}

/* One for each connection: answers like the others, and waits for the next line. */
static int on_socket(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                     void *data)
{
    char line[64];
    ptrdiff_t count;
    (void)server;
    (void)data;
    if (length > 0 && plx__socket_send(socket, bytes, length) != (ptrdiff_t)length)
        return 0;
    while ((count = plx__socket_receive(socket, line, sizeof line)) > 0) {
        if (count == 3 && memcmp(line, "die", 3) == 0)
            abort();
        if (plx__socket_send(socket, line, (size_t)count) != count || line[0] == 'q')
            break;
        if (line[0] == 'x')
            return PLX_EINVAL;
    }
    return 0;
}

static void channel_ended(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                          uint32_t ready)
{
    plx_server *server = plx_loop_data(loop);
    const parent *p = data;
    (void)socket;
    (void)ready;
    ck_ok(plx_watch_close(loop, watch));
    if (p->drain_ns > 0)
        ck_ok(plx_server_drain(server, p->drain_ns));
    else
        plx_server_stop(server);
}

static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    (void)server;
    plx_server_counts_total(counts, data);
}

static void server_run(parent *p)
{
    plx_server *server;
    const plx_conn_options conn = {.on_data = conn_data};
    const plx_loop_options loop = world_options(p->w, (plx_loop_options){0});
    ending end = {0};
    const uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    p->options.loop = &loop;
    if (p->options.dispatch == PLX_DISPATCH_PREFORK)
        p->options.on_start = loop_started; /* In children alone. */
    p->options.data = p;
    ck_ok(plx_server_open(&server, &p->options));
    ck_ok(plx_server_listen(server, "tcp://127.0.0.1:0", &(plx_listen_options){.conn = &conn}));
    ck_ok(plx_server_address(server, 0, p->address, sizeof p->address));
    plx_loop_set_data(plx_server_loop(server, 0), server);
    ck_ok(plx_watch_open(plx_server_loop(server, 0), NULL, p->channel[1], PLX_READABLE,
                         channel_ended, p));
    ck_assert_int_eq(plx__socket_send(p->channel[1], p->address, sizeof p->address),
                     sizeof p->address);
    if (p->drains_first)
        ck_ok(plx_server_drain(server, PLX_FOREVER));
    if (p->lacks)
        plx__fault_arm(p->what, p->spared, 1);
    end.status = plx_server_run(server);
    if (p->lacks)
        ck_assert_uint_eq(plx__fault_disarm(p->what), 1);
    end.loops = plx_server_loops(server);
    plx_server_stats_get(server, &end.stats);
    ck_ok(plx_server_count(server, on_count, &end.loop));
    ck_ok(plx_server_close(server));
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), descriptors);
    ck_assert_int_eq(plx__socket_send(p->channel[1], &end, sizeof end), sizeof end);
}

/* --- in the case ------------------------------------------------------------------------------ */

/* What the channel has, in full. */
static void channel_read(world *w, parent *p, void *bytes, size_t length)
{
    ptrdiff_t count;
    while ((count = plx__socket_receive(p->channel[0], bytes, length)) == PLX_EAGAIN)
        turn(w);
    ck_assert_int_eq(count, (ptrdiff_t)length);
}

/* False where it cannot be. The server's process drops its copy of the case's loop first. */
static bool parent_start(world *w, parent *p)
{
    if (!plx__child_is_possible() || !child_may_have_threads() || net_is_sim())
        return false;
    p->w = w;
    ck_ok(plx__child_channel(p->channel));
    if (child_fork()) {
        plx_loop_abandon(w->loop);
        plx__socket_close(p->channel[0]);
        server_run(p);
        plx__test_report(CHILD_IS_GOOD);
    }
    plx__socket_close(p->channel[1]);
    channel_read(w, p, p->address, sizeof p->address);
    return true;
}

/* Has it drain or stop, and reads what it tells. */
static ending parent_end(world *w, parent *p)
{
    ending end;
    ck_ok(plx__socket_shutdown(p->channel[0]));
    channel_read(w, p, &end, sizeof end);
    child_join();
    plx__socket_close(p->channel[0]);
    return end;
}

static void ask(world *w, peer *p, const char *question, const char *answer)
{
    char bytes[64];
    const size_t length = strlen(answer);
    peer_send(w, p, question, strlen(question));
    peer_receive(w, p, bytes, length);
    ck_assert_mem_eq(bytes, answer, length);
}

/* --- a child for each connection -------------------------------------------------------------- */

static void connection_has_a_child(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket}};
    peer peers[3];
    size_t count;
    if (!parent_start(w, &p))
        return;
    for (size_t i = 0; i < 3; i++)
        peers[i] = peer_open(w, p.address);
    for (size_t i = 3; i-- > 0;)
        ask(w, &peers[i], "hello", "hello");
    ask(w, &peers[0], "again", "again");
    ask(w, &peers[0], "quit", "quit");
    ck_assert_int_eq(peer_drain(w, &peers[0], &count), PLX_EEOF); /* Nobody else has it open. */
    peer_send(w, &peers[1], "x", 1);
    /* A reset may overtake what was sent before it. */
    expect_reset(peer_drain(w, &peers[1], &count));
    peer_send(w, &peers[2], "die", 3);
    ck_assert_int_ne(peer_drain(w, &peers[2], &count), 0);
    hosted_peers_close(peers, 3);
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 3);
    ck_assert_uint_eq(end.stats.handed_over, 3);
}

/* Two at a time: the third waits until one has ended. A drain lets the last ones end. */
static void children_are_limited(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket, .handlers = 2},
                .drain_ns = PLX_FOREVER};
    peer peers[6];
    if (!parent_start(w, &p))
        return;
    for (size_t i = 0; i < 6; i++)
        peers[i] = peer_open(w, p.address);
    for (size_t i = 0; i < 6; i++) {
        ask(w, &peers[i], "mine", "mine");
        if (i < 4)
            peer_close(&peers[i]);
    }
    ck_ok(plx__socket_shutdown(p.channel[0]));
    ask(w, &peers[4], "still", "still");
    peer_close(&peers[4]);
    peer_close(&peers[5]);
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 6);
    ck_assert_uint_eq(end.stats.refused, 0);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
    ck_assert_uint_eq(end.stats.children_lost, 0);
}

/* Children are busy for as long as they like, and whoever connects meanwhile is refused: a child
 * has no copy of the listening socket. */
static void child_does_not_hold_the_port(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                .drain_ns = PLX_FOREVER};
    if (!parent_start(w, &p))
        return;
    peer busy = peer_open(w, p.address);
    ask(w, &busy, "here", "here");
    ck_ok(plx__socket_shutdown(p.channel[0]));
    hosted_until_refused(w, p.address);
    ask(w, &busy, "still", "still");
    peer_close(&busy);
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
}

/* A client that says nothing does not hold the server up. */
static void deadline_kills_children(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                .drain_ns = PLX_MILLISECOND};
    if (!parent_start(w, &p))
        return;
    peer silent = peer_open(w, p.address);
    ask(w, &silent, "here", "here");
    ending end = parent_end(w, &p);
    ck_assert_uint_eq(end.stats.connections_cut, 1);
    ck_assert_uint_eq(end.stats.children_lost, 0);
    peer_close(&silent);
}

/* --- children with loops ---------------------------------------------------------------------- */

/* The system chooses which child accepts, so nothing is said of their shares. */
static void children_serve_and_report(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}, .drain_ns = PLX_FOREVER};
    peer peers[4];
    size_t count;
    if (!parent_start(w, &p))
        return;
    for (size_t i = 0; i < 4; i++)
        peers[i] = peer_open(w, p.address);
    for (size_t i = 0; i < 4; i++)
        ask(w, &peers[i], "prefork", "prefork");
    ck_ok(plx__socket_shutdown(p.channel[0]));
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(peer_drain(w, &peers[i], &count), PLX_EEOF);
    hosted_peers_close(peers, 4);
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.loops, 1);
    ck_assert_uint_eq(end.stats.children_started, 2);
    ck_assert_uint_eq(end.stats.children_lost, 0);
    ck_assert_uint_eq(end.loop.connections_accepted, 4);
    ck_assert_uint_eq(end.loop.received_bytes, 4 * 7);
}

static int stays_busy(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    (void)conn;
    (void)data;
    return 1;
}

/* Each child tells what it has cut off at the deadline. */
static void cuts_of_children_add_up(world *w)
{
    parent p = {
        .options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2, .on_draining = stays_busy},
        .drain_ns = PLX_MILLISECOND};
    peer peers[4];
    if (!parent_start(w, &p))
        return;
    for (size_t i = 0; i < 4; i++) {
        peers[i] = peer_open(w, p.address);
        ask(w, &peers[i], "prefork", "prefork");
    }
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.connections_cut, 4);
    hosted_peers_close(peers, 4);
}

static int admit_first(plx_server *server, plx_loop *loop, plx_socket socket, void *data)
{
    static int asked;
    (void)server;
    (void)loop;
    (void)socket;
    (void)data;
    return asked++ == 0 ? 0 : PLX_EACCES;
}

/* The same of those that it has turned away. */
static void refusals_of_a_child_are_counted(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1, .on_admit = admit_first},
                .drain_ns = PLX_FOREVER};
    size_t count;
    if (!parent_start(w, &p))
        return;
    peer admitted = peer_open(w, p.address);
    ask(w, &admitted, "prefork", "prefork");
    for (int i = 0; i < 2; i++) {
        peer refused = peer_start(p.address); /* It may be over before it is seen to be there. */
        expect_reset(peer_drain(w, &refused, &count));
        peer_close(&refused);
    }
    peer_close(&admitted);
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.denied, 2);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
}

/* One child, so that the next client tells: it is another, of the same number. One that has lived
 * for less than a second is started again after 100 ms or later, the next one after 200. */
static void child_that_dies_is_started_again(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1}};
    uint64_t unborn_ns = plx__clock_now(); /* The next child is not older. */
    uint64_t pause_ns = 0;
    size_t count;
    if (!parent_start(w, &p))
        return;
    for (int i = 0; i < 3; i++) {
        peer deadly = peer_open(w, p.address);
        ask(w, &deadly, "who", "n-0");
        const uint64_t now_ns = plx__clock_now();
        ck_assert_uint_ge(now_ns - unborn_ns, pause_ns);
        if (now_ns - unborn_ns >= PLX_SECOND / 2)
            pause_ns = 0;
        else
            pause_ns = pause_ns == 0 ? 100 * PLX_MILLISECOND : 2 * pause_ns;
        unborn_ns = now_ns;
        peer_send(w, &deadly, "die", 3);
        ck_assert_int_ne(peer_drain(w, &deadly, &count), 0);
        peer_close(&deadly);
    }
    peer last = peer_open(w, p.address);
    ask(w, &last, "who", "n-0");
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 4);
    ck_assert_uint_eq(end.stats.children_lost, 3);
    ck_assert_int_ne(peer_drain(w, &last, &count), 0);
    peer_close(&last);
}

/* Clients of two children. False where the system gives all to one, as it may. */
static bool peers_of_two(world *w, const parent *p, peer *first, peer *second)
{
    char numbers[2][3];
    *first = peer_open(w, p->address);
    peer_send(w, first, "who", 3);
    peer_receive(w, first, numbers[0], 3);
    for (int i = 0; i < 50; i++) {
        *second = peer_open(w, p->address);
        peer_send(w, second, "who", 3);
        peer_receive(w, second, numbers[1], 3);
        if (memcmp(numbers[0], numbers[1], 3) != 0)
            return true;
        peer_close(second);
    }
    peer_close(first);
    return false;
}

static void time_passed(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* A child has died a moment ago, and would be started again in 100 ms: the drain that has begun
 * meanwhile waits for the other child as if nothing had happened. */
static void drain_outlasts_a_restart(world *w)
{
    parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}, .drain_ns = PLX_FOREVER};
    size_t count, passed = 0;
    peer busy, deadly;
    if (!parent_start(w, &p))
        return;
    if (!peers_of_two(w, &p, &busy, &deadly)) {
        (void)parent_end(w, &p);
        return;
    }
    peer_send(w, &busy, "half", 4);
    peer_send(w, &deadly, "die", 3);
    ck_assert_int_ne(peer_drain(w, &deadly, &count), 0);
    peer_close(&deadly);
    ck_ok(plx__socket_shutdown(p.channel[0]));
    ck_ok(plx_timer_start(w->loop, NULL, 400 * PLX_MILLISECOND, 0, time_passed, &passed));
    turn_until(w, &passed, 1);
    ask(w, &busy, "!", "half!");
    ck_assert_int_eq(peer_drain(w, &busy, &count), PLX_EEOF);
    peer_close(&busy);
    ending end = parent_end(w, &p);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 2);
    ck_assert_uint_eq(end.stats.connections_cut, 0);
}

/* Told before it runs: the children that are forked then know. */
static void drain_may_come_before_the_fork(world *w)
{
    ending end;
    parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2}, .drains_first = true};
    if (!parent_start(w, &p))
        return;
    channel_read(w, &p, &end, sizeof end);
    ck_assert_int_eq(end.status, 0);
    child_join();
    plx__socket_close(p.channel[0]);
}

static void failed_start_ends_all(world *w)
{
    ending end;
    parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 3},
                .start_fails = PLX_EACCES};
    if (!parent_start(w, &p))
        return;
    channel_read(w, &p, &end, sizeof end);
    ck_assert_int_eq(end.status, PLX_EACCES);
    child_join();
    plx__socket_close(p.channel[0]);
}

/* --- want ------------------------------------------------------------------------------------- */

/* What the first children need is not there: the run ends with the reason. */
static void want_at_the_start_ends_the_run(world *w)
{
    static const struct {
        enum plx__fault_kind what;
        uint32_t spared;
        int status;
    } wants[] = {
        {PLX__FAULT_DESCRIPTOR, 0, PLX_EMFILE}, /* The duplicate of the listening socket, */
        {PLX__FAULT_DESCRIPTOR, 1, PLX_EMFILE}, /* the channel, */
        {PLX__FAULT_THREAD, 0, PLX_ELIMIT},     /* the process. */
    };
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        ending end;
        parent p = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1},
                    .lacks = true,
                    .what = wants[i].what,
                    .spared = wants[i].spared};
        if (!parent_start(w, &p))
            return;
        channel_read(w, &p, &end, sizeof end);
        ck_assert_int_eq(end.status, wants[i].status);
        ck_assert_uint_eq(end.stats.children_started, 0);
        child_join();
        plx__socket_close(p.channel[0]);
    }
}

/* Later it is tried again: with a child that is to be started again, and with a connection's. */
static void want_of_a_process_passes(world *w)
{
    parent loops = {.options = {.dispatch = PLX_DISPATCH_PREFORK, .loops = 1},
                    .lacks = true,
                    .what = PLX__FAULT_THREAD,
                    .spared = 1};
    parent calls = {.options = {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
                    .lacks = true,
                    .what = PLX__FAULT_THREAD};
    size_t count;
    if (!parent_start(w, &loops))
        return;
    peer deadly = peer_open(w, loops.address);
    ask(w, &deadly, "who", "n-0");
    peer_send(w, &deadly, "die", 3);
    ck_assert_int_ne(peer_drain(w, &deadly, &count), 0);
    peer_close(&deadly);
    peer later = peer_open(w, loops.address);
    ask(w, &later, "who", "n-0");
    ending end = parent_end(w, &loops);
    peer_close(&later);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 2);
    ck_assert(parent_start(w, &calls));
    peer one = peer_open(w, calls.address);
    ask(w, &one, "hello", "hello");
    peer_close(&one);
    end = parent_end(w, &calls);
    ck_assert_int_eq(end.status, 0);
    ck_assert_uint_eq(end.stats.children_started, 1);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* The case's server has a thread of its own, beside that of the case. */
static void threads_and_forks_do_not_mix(world *w)
{
    const plx_server_options options[] = {
        {.dispatch = PLX_DISPATCH_FORK, .on_socket = on_socket},
        {.dispatch = PLX_DISPATCH_PREFORK, .loops = 2},
    };
    for (size_t i = 0; i < 2 && !net_is_sim(); i++) {
        hosted h = {0};
        ck_ok(hosted_try(w, &h, options[i], (plx_loop_options){0}));
        int status = hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0});
        if (!plx__child_is_possible()) {
            ck_assert_int_eq(status, PLX_ENOSYS);
            ck_assert_ptr_nonnull(strstr(plx_dispatch_needs(options[i].dispatch), "fork()"));
            ck_ok(plx_server_close(h.server));
            continue;
        }
        ck_ok(status);
        hosted_run(&h);
        /* Where the system does not tell how many threads there are, it serves. */
        if (plx__process_threads() > 0)
            ck_assert_int_eq(hosted_wait(w, &h), PLX_ETHREADS);
        hosted_close(w, &h);
    }
}

const test_case behavior_children_cases[] = {
    CASE(children_are_limited),
    CASE(deadline_kills_children),
    CASE(children_serve_and_report),
    CASE(cuts_of_children_add_up),
    CASE(refusals_of_a_child_are_counted),
    CASE(child_that_dies_is_started_again),
    CASE(drain_outlasts_a_restart),
    CASE(drain_may_come_before_the_fork),
    CASE(failed_start_ends_all),
    CASE(threads_and_forks_do_not_mix),
    CASE(want_at_the_start_ends_the_run),
    CASE(want_of_a_process_passes),
    CASE(connection_has_a_child),
    CASE(child_does_not_hold_the_port),
    CASES_END,
};
