/* tests/behavior_lost.c - descriptors of the loop's that somebody else closes, by mistake.
 *
 * Some backends see that at once, others when they next use the descriptor, or when the loop gets a
 * socket of the same number. Whichever it is: the one that lost its descriptor is told, no other is
 * harmed, and the loop neither spins nor crashes.
 */
#include <errno.h>
#include <string.h>

#include "backends/host.h"
#include "tests/child.h"
#include "tests/rest.h"
#include "tests/stand.h"

extern const test_case behavior_lost_cases[];

#ifdef _WIN32
enum { NUMBER_STEP = 4, NUMBERS = 65536 };
static const bool gives_lowest_number = false;
#else
enum { NUMBER_STEP = 1, NUMBERS = 1024 };
static const bool gives_lowest_number = true; /* POSIX, open(). */
#endif

static bool names_itself(plx_socket socket, const char *local, const char *remote)
{
    plx__address address;
    char text[PLX_ADDRESS_TEXT_MAX];
    if (net_name(socket, &address) != 0 || plx__address_print(&address, text, sizeof text) != 0 ||
        strcmp(text, local) != 0)
        return false;
    if (net_peer(socket, &address) != 0)
        return remote == NULL;
    return remote != NULL && plx__address_print(&address, text, sizeof text) == 0 &&
           strcmp(text, remote) == 0;
}

/* The socket of this process between these addresses; `remote` NULL: the listening one. */
static plx_socket socket_find(const char *local, const char *remote)
{
    const plx_socket first = net_is_sim() ? (plx_socket)PLX__HOST_SIMULATED : 0;
    for (plx_socket socket = 0; socket < NUMBERS; socket += NUMBER_STEP) {
        if (names_itself(first + socket, local, remote))
            return first + socket;
    }
    ck_abort_msg("no socket is at %s", local);
    return PLX_SOCKET_NONE;
}

static plx_socket socket_of_listener(const world *w, plx_listener listener)
{
    char local[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx_listener_address(w->loop, listener, local, sizeof local));
    return socket_find(local, NULL);
}

static plx_socket socket_of_conn(const world *w, plx_conn conn)
{
    char local[PLX_ADDRESS_TEXT_MAX];
    char remote[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx_conn_local(w->loop, conn, local, sizeof local));
    ck_ok(plx_conn_peer(w->loop, conn, remote, sizeof remote));
    return socket_find(local, remote);
}

/* What the closed operations of a completion port say is not for certain. */
static bool is_told_exactly(const world *w)
{
    return strcmp(w->backend, "iocp") != 0;
}

static void expect_lost(const world *w, const probe *p)
{
    ck_assert_uint_eq(p->closed, 1);
    if (!is_told_exactly(w))
        return;
    ck_assert_msg(p->reason == PLX_EBADF || p->reason == PLX_ENOTSOCK, "%s",
                  plx_error_name(p->reason));
    ck_assert_uint_eq(counter(w, sockets_lost), 1);
}

/* A connection that is idle: it is closed, or will be with the next write. */
static void connection_loses_its_descriptor(world *w)
{
    probe p = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&p), probe_options(&other)};
    peer client = connect_pair(w, &p, &options[0]);
    peer busy = connect_pair(w, &other, &options[1]);
    turn_some(w);
    net_dispose(socket_of_conn(w, p.conn));
    turn_some(w);
    expect_service(w, &busy);
    if (p.closed == 0)
        ck_ok(plx_conn_write(w->loop, p.conn, "x", 1));
    turn_until(w, &p.closed, 1);
    expect_lost(w, &p);
    expect_service(w, &busy);
    peer_close(&client);
    peer_close(&busy);
    turn_until(w, &other.closed, 1);
}

/* One that is not read from and waits to write. */
static void writing_connection_loses_its_descriptor(world *w)
{
    static const unsigned char bytes[65536];
    probe p = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&p), probe_options(&other)};
    options[0].send_max = (size_t)64 * sizeof bytes;
    options[0].send_high = 8 * sizeof bytes;
    peer client = connect_pair(w, &p, &options[0]);
    peer busy = connect_pair(w, &other, &options[1]);
    ck_ok(plx_conn_pause(w->loop, p.conn));
    while (!plx_conn_is_high(w->loop, p.conn))
        ck_ok(plx_conn_write(w->loop, p.conn, bytes, sizeof bytes));
    turn_some(w);
    net_dispose(socket_of_conn(w, p.conn));
    turn_some(w);
    expect_service(w, &busy);
    if (p.closed == 0)
        ck_ok(plx_conn_close(w->loop, p.conn)); /* Nobody has noticed, and nobody is harmed. */
    peer_close(&client); /* Under Wine a send in flight outlives its socket until then. */
    turn_until(w, &p.closed, 1);
    expect_service(w, &busy);
    peer_close(&busy);
    turn_until(w, &other.closed, 1);
}

/* One that connects. */
static void connecting_one_loses_its_descriptor(world *w)
{
    probe server = {.then_data = echo_back};
    probe p = {0};
    plx_conn_options options[] = {probe_options(&server), probe_options(&p)};
    char address[PLX_ADDRESS_TEXT_MAX];
    char local[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    (void)listen_at(w, &options[0], address);
    ck_ok(plx_connect(w->loop, &conn, address, &options[1]));
    if (plx_conn_local(w->loop, conn, local, sizeof local) != 0) {
        ck_ok(plx_conn_close(w->loop, conn)); /* It has no address yet (ConnectEx). */
    } else {
        net_dispose(socket_find(local, address));
        turn_some(w);
        if (p.closed == 0)
            ck_ok(plx_conn_close(w->loop, conn));
        else
            expect_lost(w, &p);
    }
    turn_until(w, &p.closed, 1);
    peer client = peer_open(w, address);
    expect_service(w, &client);
    peer_close(&client);
    turn_until(w, &server.closed, server.opened);
}

typedef struct report {
    size_t count;
    int status;
    plx_listener listener;
} report;

static void on_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    report *r = data;
    r->count++;
    r->status = status;
    r->listener = listener;
    if (status == PLX_EBADF)
        ck_assert_int_eq(plx_listener_close(loop, listener), PLX_ESTALE);
}

static plx_listener listener_open(world *w, probe *p, report *r)
{
    plx_listener listener;
    const plx_conn_options accepted = probe_options(p);
    const plx_listen_options listen = {.conn = &accepted, .on_error = on_error, .data = r};
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    return listener;
}

/* A listener: it is closed and says so, at the latest when the next one gets its number, which
 * serves as ever. */
static void listener_loses_its_descriptor(world *w)
{
    report first = {0};
    report second = {0};
    probe p = {.then_data = echo_back};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener lost = listener_open(w, &p, &first);
    turn_some(w);
    net_dispose(socket_of_listener(w, lost));
    turn_some(w);
    plx_listener next = listener_open(w, &p, &second);
    turn_some(w);
    if (is_told_exactly(w)) {
        ck_assert_uint_eq(first.count, 1);
        ck_assert_int_eq(first.status, PLX_EBADF);
        ck_assert_uint_eq(first.listener.bits, lost.bits);
        ck_assert_uint_eq(counter(w, sockets_lost), 1);
    }
    if (first.status != PLX_EBADF)
        ck_ok(plx_listener_close(w->loop, lost));
    ck_ok(plx_listener_address(w->loop, next, address, sizeof address));
    peer client = peer_open(w, address);
    expect_service(w, &client);
    ck_assert_uint_eq(second.count, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

typedef struct seen {
    size_t count;
    uint32_t ready;
} seen;

static void see(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    seen *s = data;
    (void)socket;
    s->count++;
    s->ready = ready;
    if (ready == PLX_FAILED)
        ck_assert_int_eq(plx_watch_close(loop, watch), PLX_ESTALE);
}

enum { FILLERS_MAX = 64 };

enum loser { LOSER_CONN, LOSER_LISTENER, LOSER_WATCH, LOSER_WATCH_THAT_CLOSES, LOSERS };

/* One that loses its descriptor, whose number the loop gets for a connection right after that. */
typedef struct loss {
    probe conn;
    report report;
    seen seen;
    peer client; /* Of the connection, or of the watched socket. */
    plx_watch watch;
    plx_socket socket;
    plx_socket fillers[FILLERS_MAX];
    size_t fillers_count;
} loss;

/* Uses up the free numbers below that of the socket, which is to be the lowest once it is closed.
 */
static void holes_fill(loss *l)
{
    do {
        ck_assert_uint_lt(l->fillers_count, FILLERS_MAX);
        ck_ok(net_open(&l->fillers[l->fillers_count++], PLX__FAMILY_IPV4));
    } while (l->fillers[l->fillers_count - 1] < l->socket);
    net_close(l->fillers[--l->fillers_count]);
}

static void loss_open(world *w, loss *l, enum loser loser)
{
    l->client.socket = PLX_SOCKET_NONE;
    if (loser == LOSER_CONN) {
        static const unsigned char bytes[65536];
        plx_conn_options options = probe_options(&l->conn);
        l->client = connect_pair(w, &l->conn, &options);
        l->socket = socket_of_conn(w, l->conn.conn);
        while (plx_conn_queued(w->loop, l->conn.conn) == 0) /* It has something to lose. */
            ck_ok(plx_conn_write(w->loop, l->conn.conn, bytes, sizeof bytes));
    } else if (loser == LOSER_LISTENER) {
        l->socket = socket_of_listener(w, listener_open(w, &l->conn, &l->report));
    } else {
        couple c = couple_open();
        l->client = c.theirs;
        l->socket = c.ours.socket;
        ck_ok(plx_watch_open(w->loop, &l->watch, l->socket, PLX_READABLE, see, &l->seen));
    }
    turn_some(w);
    holes_fill(l);
}

static void loss_check(const world *w, const loss *l, enum loser loser)
{
    ck_assert_uint_eq(counter(w, sockets_lost), 1);
    ck_assert_uint_eq(l->conn.closed, loser == LOSER_CONN ? 1 : 0);
    ck_assert_uint_eq(l->report.count, loser == LOSER_LISTENER ? 1 : 0);
    ck_assert_uint_eq(l->seen.count, loser == LOSER_WATCH ? 1 : 0);
    if (loser == LOSER_CONN)
        ck_assert_int_eq(l->conn.reason, PLX_EBADF);
    if (loser == LOSER_LISTENER)
        ck_assert_int_eq(l->report.status, PLX_EBADF);
    if (loser == LOSER_WATCH)
        ck_assert_uint_eq(l->seen.ready, PLX_FAILED);
}

/* The descriptor is closed, and the loop gets the number at once for a connection of its own:
 * nothing that happens to this one is told to the one before, or done to it. */
static void number_is_used_again(world *w)
{
    for (int loser = 0; gives_lowest_number && loser < LOSERS; loser++) {
        loss l = {.watch = {0}};
        probe server = {.then_data = echo_back};
        probe p = {0};
        char address[PLX_ADDRESS_TEXT_MAX];
        char local[PLX_ADDRESS_TEXT_MAX];
        plx_conn conn;
        world_reopen(w, (plx_loop_options){0});
        plx_conn_options options[] = {probe_options(&server), probe_options(&p)};
        (void)listen_at(w, &options[0], address);
        loss_open(w, &l, (enum loser)loser);
        if (loser < LOSER_WATCH)
            net_dispose(l.socket);
        else
            net_close(l.socket);
        ck_ok(plx_connect(w->loop, &conn, address, &options[1]));
        if (loser == LOSER_WATCH_THAT_CLOSES)
            ck_ok(plx_watch_close(w->loop, l.watch));
        ck_ok(plx_conn_local(w->loop, conn, local, sizeof local));
        ck_assert(socket_find(local, address) == l.socket);
        turn_until(w, &p.opened, 1);
        for (size_t i = 1; i <= 20; i++) {
            ck_ok(plx_conn_write(w->loop, conn, "hi", 2));
            turn_until(w, &p.received, 2 * i);
        }
        loss_check(w, &l, (enum loser)loser);
        ck_assert_uint_eq(p.closed, 0);
        peer_close(&l.client);
        while (l.fillers_count > 0)
            net_close(l.fillers[--l.fillers_count]);
        ck_ok(plx_conn_close(w->loop, conn));
        turn_until(w, &server.closed, 1);
        ck_ok(server.reason); /* The one before has not set it to be reset, either. */
    }
}

/* Whether the number, below which none is free, is. */
static bool is_free(plx_socket number)
{
    plx_socket opened;
    ck_ok(net_open(&opened, PLX__FAMILY_IPV4));
    net_close(opened);
    return opened == number;
}

/* On io_uring another ring takes the number; with "poll" the second thread begins, or does not. */
static void own_descriptors_open(world *w)
{
    if (strcmp(w->backend, "uring") == 0) {
        ck_ok(plx__test_ring_lost());
        ck_assert_int_ne(plx_loop_run_once(w->loop, 0), 0);
    }
    turn_some(w);
}

static void never_released(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                           const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)data;
    (void)socket;
    (void)bytes;
    (void)length;
    ck_abort_msg("a socket was handed out that is none");
}

/* The connection that had the number goes. The number stays the loop's if it is. */
static void loser_goes(world *w, const probe *lost, plx_socket number, bool is_released)
{
    bool is_taken = !is_free(number);
    if (is_released && is_taken)
        ck_ok(plx_conn_release(w->loop, lost->conn));
    else
        ck_ok(plx_conn_close(w->loop, lost->conn));
    turn_until(w, &lost->closed, 1);
    ck_assert_int_eq(lost->reason, is_released && is_taken ? PLX_EBADF : 0);
    ck_assert(is_taken == !is_free(number));
}

static void expect_own_number(world *w, bool is_released)
{
    probe lost = {0};
    probe served = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&lost), probe_options(&served)};
    plx_loop *first = w->loop;
    char answer[2];
    couple early = couple_open();
    loss l = {.socket = early.ours.socket};
    holes_fill(&l);
    w->loop = world_loop_open(w); /* All its numbers are higher. */
    couple c = couple_open();
    options[0].flags = PLX_CONN_PAUSED;
    options[0].on_release = never_released;
    net_disown(early.ours.socket);
    net_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, &lost.conn, early.ours.socket, &options[0], NULL, 0));
    ck_ok(plx_conn_adopt(w->loop, &served.conn, c.ours.socket, &options[1], NULL, 0));
    net_dispose(early.ours.socket);
    own_descriptors_open(w);
    loser_goes(w, &lost, l.socket, is_released);
    for (int i = 0; i < 5; i++) {
        peer_send(w, &c.theirs, "hi", 2);
        peer_receive(w, &c.theirs, answer, 2);
        turn_some(w);
    }
    peer_close(&c.theirs);
    turn_until(w, &served.closed, 1);
    ck_ok(plx_loop_close(w->loop));
    w->loop = first;
    peer_close(&early.theirs);
    while (l.fillers_count > 0)
        net_close(l.fillers[--l.fillers_count]);
}

/* The loop itself gets the number, to wait with. It is neither closed nor handed out with the
 * connection that had it: the loop would wait with, and write to, whatever gets the number then. */
static void number_becomes_the_loops_own(world *w)
{
    for (int is_released = 0; gives_lowest_number && is_released < 2; is_released++)
        expect_own_number(w, is_released != 0);
}

/* The spare descriptor gets the number, when it was let go to turn somebody away. */
static void number_becomes_the_spare_one(world *w)
{
    probe lost = {0};
    probe p = {0};
    plx_conn_options options[] = {probe_options(&lost), probe_options(&p)};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_loop *first = w->loop;
    size_t count;
    if (!gives_lowest_number)
        return;
    couple early = couple_open();
    loss l = {.socket = early.ours.socket};
    holes_fill(&l);
    w->loop = world_loop_open(w); /* All its numbers are higher. */
    options[0].flags = PLX_CONN_PAUSED;
    net_disown(early.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, &lost.conn, early.ours.socket, &options[0], NULL, 0));
    (void)listen_at(w, &options[1], address);
    turn_some(w);
    peer client = peer_start(address);
    net_dispose(early.ours.socket);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 2);
    (void)peer_drain(w, &client, &count);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 2);
    ck_assert_uint_eq(counter(w, accepts_rejected), 1);
    ck_assert(!is_free(l.socket));
    ck_ok(plx_conn_close(w->loop, lost.conn));
    turn_until(w, &lost.closed, 1);
    ck_assert(!is_free(l.socket));
    peer_close(&client);
    ck_ok(plx_loop_close(w->loop));
    w->loop = first;
    peer_close(&early.theirs);
    while (l.fillers_count > 0)
        net_close(l.fillers[--l.fillers_count]);
}

/* A child that drops its copy closes what it has of each descriptor once: the number of one that
 * was lost is another's. */
static void child_drops_what_was_lost(world *w)
{
    static probe probes[LOSER_WATCH][2]; /* The last of them are told when the case has ended. */
    for (int loser = 0; gives_lowest_number && child_is_possible(w) && loser < LOSER_WATCH;
         loser++) {
        loss l = {.watch = {0}};
        probe *server = &probes[loser][0];
        plx_conn_options options[] = {probe_options(server), probe_options(&probes[loser][1])};
        char address[PLX_ADDRESS_TEXT_MAX];
        ck_ok(plx_loop_close(w->loop));
        holdings before = holdings_now();
        w->loop = world_loop_open(w);
        (void)listen_at(w, &options[0], address);
        loss_open(w, &l, (enum loser)loser);
        net_dispose(l.socket);
        ck_ok(plx_connect(w->loop, NULL, address, &options[1]));
        if (child_fork()) {
            plx_loop_abandon(w->loop);
            uint32_t kept = (uint32_t)l.fillers_count + (l.client.socket != PLX_SOCKET_NONE);
            ck_assert_uint_eq(holdings_now().descriptors, before.descriptors + kept);
            ck_assert_uint_eq(holdings_now().memory, before.memory);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
        turn_until(w, &server->opened, 1);
        if (l.client.socket != PLX_SOCKET_NONE)
            peer_close(&l.client);
        while (l.fillers_count > 0)
            net_close(l.fillers[--l.fillers_count]);
    }
}

/* A program that has closed its standard input has connections with that number. */
static void descriptor_zero_is_served(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char answer[2];
    if (!gives_lowest_number)
        return;
    (void)listen_at(w, &options, address);
    peer client = peer_start(address);
    net_dispose(0);
    uint64_t until = net_now() + patience();
    while (p.opened == 0) {
        ck_assert_uint_lt(net_now(), until);
        errno = EINTR; /* As an earlier call may have left it: the number does not say that. */
        turn(w);
    }
    ck_assert_int_eq((int)socket_of_conn(w, p.conn), 0);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, sizeof answer);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
}

/* Programs that the process executes have none of the loop's descriptors. */
static void programs_inherit_nothing(world *w)
{
    stand s;
    ck_ok(plx_loop_close(w->loop));
    int before = plx__test_inherited();
    w->loop = world_loop_open(w);
    stand_open(w, &s);
    stand_check(w, &s);
    ck_assert_int_eq(plx__test_inherited(), before);
    stand_close(w, &s);
}

const test_case behavior_lost_cases[] = {
    CASE(programs_inherit_nothing),
    CASE(descriptor_zero_is_served),
    CASE(connection_loses_its_descriptor),
    CASE(writing_connection_loses_its_descriptor),
    CASE(connecting_one_loses_its_descriptor),
    CASE(listener_loses_its_descriptor),
    CASE(number_is_used_again),
    CASE(number_becomes_the_loops_own),
    CASE(number_becomes_the_spare_one),
    CASE(child_drops_what_was_lost),
    CASES_END,
};
