/* tests/behavior_transfer.c - connections that leave a loop, and that come to one.
 *
 * Where sockets stay with a completion port (Wine's iocp; real Windows before 8.1), a loop on iocp
 * refuses one that another such loop has received from, as documented; then one on "select" takes
 * it. Everything else is the same everywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_transfer_cases[];

/* What on_release brought. */
typedef struct handover {
    probe probe; /* First. */
    size_t released;
    plx_socket socket;
    unsigned char rest[4096];
    size_t rest_length;
    size_t sent_before; /* How many lent buffers had come back by then, */
    size_t sent;        /* and have by now. */
} handover;

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    handover *h = data;
    ck_assert_int_eq(plx_conn_pause(loop, conn), PLX_ESTALE);
    ck_assert_uint_le(length, sizeof h->rest);
    if (length > 0)
        memcpy(h->rest, bytes, length);
    h->rest_length = length;
    h->socket = socket;
    h->sent_before = h->sent;
    h->released++;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR); /* It is the case's now. */
}

static plx_conn_options handover_options(handover *h)
{
    plx_conn_options options = probe_options(&h->probe);
    options.on_release = on_release;
    return options;
}

/* Gives what was handed over to the loop. */
static int adopt(plx_loop *loop, plx_conn *conn_out, handover *h, const plx_conn_options *options)
{
    net_disown(h->socket);
    int status = plx_conn_adopt(loop, conn_out, h->socket, options, h->rest, h->rest_length);
    if (status != 0)
        plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return status;
}

/* A second loop that has the connection now. */
static plx_loop *loop_with(world *w, handover *h, probe *p)
{
    plx_conn_options options = probe_options(p);
    plx_loop *other = world_loop_open(w);
    int status = adopt(other, NULL, h, &options);
    if (h->probe.shown > 0 && strcmp(w->backend, "iocp") == 0 && plx__test_is_wine()) {
        const plx_loop_options select = {.backend = "select"};
        ck_assert_int_eq(status, PLX_EBUSY);
        ck_ok(plx_loop_close(other));
        ck_ok(plx_loop_open(&other, &select));
        status = adopt(other, NULL, h, &options);
    }
    ck_ok(status);
    ck_assert_uint_eq(p->opened, 0); /* Not from within the call. */
    return other;
}

/* Turns both until it has reached `wanted`. */
static void both_until(world *w, plx_loop *other, const size_t *count, size_t wanted)
{
    uint64_t until = net_now() + patience();
    while (*count < wanted) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_ok(plx_loop_run_once(other, PLX_MILLISECOND));
    }
}

static size_t release_after_three(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                  size_t length)
{
    (void)p;
    ck_assert_uint_ge(length, 3);
    pattern_check(bytes, 3, 0);
    ck_ok(plx_conn_release(loop, conn));
    return 3;
}

/* What was not consumed comes with the socket, which works on its own. */
static void release_hands_out_the_rest(world *w)
{
    handover h = {.probe = {.then_data = release_after_three}};
    unsigned char sent[100];
    unsigned char got[100];
    plx_conn_options options = handover_options(&h);
    pattern_fill(sent, sizeof sent, 0);
    peer client = connect_pair(w, &h.probe, &options);
    peer_send(w, &client, sent, sizeof sent);
    turn_until(w, &h.released, 1);
    peer ours = {h.socket};
    memcpy(got, h.rest, h.rest_length);
    peer_receive(w, &ours, got, sizeof sent - 3 - h.rest_length); /* Most often all has come. */
    if (h.rest_length == sizeof sent - 3)
        pattern_check(h.rest, h.rest_length, 3);
    peer_send(w, &ours, sent, 10);
    peer_receive(w, &client, got, 10);
    pattern_check(got, 10, 0);
    turn_some(w);
    ck_assert_uint_eq(h.probe.closed, 0);
    ck_assert_uint_eq(counter(w, connections_open), 0);
    ck_assert_uint_eq(counter(w, connections_closed), 1);
    peer_close(&ours);
    peer_close(&client);
}

/* Another loop goes on where this one stopped; the peer sees nothing of it. */
static void another_loop_goes_on(world *w)
{
    handover h = {.probe = {.then_data = release_after_three}};
    probe then = {.then_data = echo_back};
    unsigned char bytes[100];
    plx_conn_options options = handover_options(&h);
    pattern_fill(bytes, sizeof bytes, 0);
    peer client = connect_pair(w, &h.probe, &options);
    peer_send(w, &client, bytes, 50);
    turn_until(w, &h.released, 1);
    plx_loop *other = loop_with(w, &h, &then);
    both_until(w, other, &then.received, 47);
    peer_send(w, &client, bytes + 50, 50);
    both_until(w, other, &then.received, 97);
    ck_ok(plx_loop_run_once(other, 0)); /* Some send with the wait. */
    peer_receive(w, &client, bytes, 97);
    pattern_check(bytes, 97, 3);
    peer_shutdown(&client);
    both_until(w, other, &then.closed, 1);
    ck_assert_int_eq(then.reason, 0);
    peer_close(&client);
    ck_ok(plx_loop_close(other));
}

enum { FLOOD = 300000 };

static size_t check_pattern(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    (void)loop;
    (void)conn;
    pattern_check(bytes, length, *(size_t *)p->more);
    *(size_t *)p->more += length;
    return length;
}

static size_t check_and_release(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                size_t length)
{
    size_t taken = length / 2; /* What is left is in the way of what follows. */
    if (length - taken > 1000)
        taken = length - 1000;
    (void)check_pattern(loop, conn, p, bytes, taken);
    if (*(size_t *)p->more > FLOOD / 3)
        ck_ok(plx_conn_release(loop, conn));
    return taken;
}

/* In the middle of a stream that does not wait for anything: nothing is lost or comes twice. */
static void stream_is_handed_over(world *w)
{
    for (int round = 0; round < 10; round++) {
        handover h = {.probe = {.then_data = check_and_release}};
        probe then = {.then_data = check_pattern};
        size_t position = 0;
        size_t sent = 0;
        plx_loop *other = NULL;
        plx_conn_options options = handover_options(&h);
        uint64_t until = net_now() + patience();
        h.probe.more = then.more = &position;
        peer client = connect_pair(w, &h.probe, &options);
        while (position < FLOOD) {
            unsigned char bytes[1500];
            size_t length = FLOOD - sent < sizeof bytes ? FLOOD - sent : sizeof bytes;
            ck_assert_uint_lt(net_now(), until);
            pattern_fill(bytes, length, sent);
            ptrdiff_t taken = length > 0 ? net_send(client.socket, bytes, length) : 0;
            ck_assert_int_ge(taken, 0);
            sent += (size_t)taken;
            ck_ok(plx_loop_run_once(w->loop, 0));
            if (h.released > 0 && other == NULL)
                other = loop_with(w, &h, &then);
            if (other != NULL)
                ck_ok(plx_loop_run_once(other, 0));
        }
        ck_assert_ptr_nonnull(other);
        peer_close(&client);
        both_until(w, other, &then.closed, 1);
        ck_ok(plx_loop_close(other));
    }
}

/* --- fresh ones, for the loops of other threads ------------------------------------------------
 */

enum { WORKERS = 2, CLIENTS = 6 };

typedef struct worker {
    plx_loop *loop;
    plx__thread thread;
    probe probe;
} worker;

typedef struct dispatcher {
    probe probe; /* First. */
    worker workers[WORKERS];
    struct errand {
        worker *worker;
        plx_socket socket;
    } errands[CLIENTS];
    size_t count;
} dispatcher;

static void no_more(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    ck_abort_msg("the worker was not stopped");
}

static void work(void *data)
{
    worker *self = data;
    if (plx_timer_start(self->loop, NULL, patience(), 0, no_more, NULL) != 0 ||
        plx_loop_run(self->loop) != 0)
        abort();
}

/* On the worker's thread. */
static void take_over(plx_loop *loop, void *data, int status)
{
    struct errand *errand = data;
    plx_conn_options options = probe_options(&errand->worker->probe);
    if (status != 0 || plx_conn_adopt(loop, NULL, errand->socket, &options, NULL, 0) != 0)
        abort();
}

static void send_to_worker(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                           const void *bytes, size_t length)
{
    dispatcher *d = data;
    struct errand *errand = &d->errands[d->count];
    (void)loop;
    (void)conn;
    (void)bytes;
    ck_assert_uint_eq(length, 0);
    errand->worker = &d->workers[d->count++ % WORKERS];
    errand->socket = socket;
    ck_ok(plx_post(errand->worker->loop, take_over, errand));
}

static void release_it(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_release(loop, conn));
}

/* One loop accepts, others on threads of their own work. */
static void workers_get_what_one_accepts(world *w)
{
    static dispatcher d; /* Threads look at it. */
    char address[PLX_ADDRESS_TEXT_MAX];
    peer clients[CLIENTS];
    unsigned char bytes[10];
    d = (dispatcher){.probe = {.then_open = release_it}};
    plx_conn_options options = probe_options(&d.probe);
    options.flags = PLX_CONN_PAUSED;
    options.on_release = send_to_worker;
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < WORKERS; i++) {
        d.workers[i].loop = world_loop_open(w);
        d.workers[i].probe.then_data = echo_back;
        ck_ok(plx__thread_start(&d.workers[i].thread, work, &d.workers[i]));
    }
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = peer_open(w, address);
    for (size_t i = 0; i < CLIENTS; i++) {
        pattern_fill(bytes, sizeof bytes, i);
        peer_send(w, &clients[i], bytes, sizeof bytes);
        peer_receive(w, &clients[i], bytes, sizeof bytes);
        pattern_check(bytes, sizeof bytes, i);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        plx_loop_stop(d.workers[i].loop);
        plx__thread_join(&d.workers[i].thread);
        ck_ok(plx_loop_close(d.workers[i].loop));
        ck_assert_uint_eq(d.workers[i].probe.opened, CLIENTS / WORKERS);
        ck_assert_uint_eq(d.workers[i].probe.closed, CLIENTS / WORKERS);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        peer_close(&clients[i]);
    ck_assert_uint_eq(d.probe.closed, 0);
}

/* --- what waits to be sent, and what goes wrong ------------------------------------------------
 */

enum { QUEUED = 6000000 };

static void count_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    (void)status;
    ++*(size_t *)data;
}

/* Fills the queue, and releases. */
static unsigned char *release_with_queue(world *w, handover *h)
{
    unsigned char *bytes = plx__allocate(QUEUED);
    ck_assert_ptr_nonnull(bytes);
    pattern_fill(bytes, QUEUED, 0);
    ck_ok(plx_conn_send(w->loop, h->probe.conn, bytes, QUEUED, count_sent, &h->sent));
    ck_ok(plx_conn_release(w->loop, h->probe.conn));
    ck_assert_int_eq(plx_conn_write(w->loop, h->probe.conn, "x", 1), PLX_EPIPE);
    ck_assert_int_eq(plx_conn_release(w->loop, h->probe.conn), PLX_EPIPE);
    return bytes;
}

static peer connect_queued(world *w, handover *h, uint64_t write_timeout_ns)
{
    plx_conn_options options = handover_options(h);
    options.send_high = 2 * (size_t)QUEUED;
    options.write_timeout_ns = write_timeout_ns;
    return connect_pair(w, &h->probe, &options);
}

/* All of it is sent before the socket comes, and no end behind it. */
static void release_waits_for_the_queue(world *w)
{
    handover h = {.probe = {0}};
    peer client = connect_queued(w, &h, 0);
    unsigned char *bytes = release_with_queue(w, &h);
    turn_some(w);
    ck_assert_uint_eq(h.released, 0);
    unsigned char *got = plx__allocate(QUEUED);
    ck_assert_ptr_nonnull(got);
    peer_receive(w, &client, got, QUEUED);
    pattern_check(got, QUEUED, 0);
    turn_until(w, &h.released, 1);
    ck_assert_uint_eq(h.sent_before, 1);
    ck_assert_int_eq(peer_try(&client, got, 1), PLX_EAGAIN);
    net_disown(h.socket);
    plx_socket_close(h.socket);
    plx_socket_close(PLX_SOCKET_NONE);
    size_t dropped;
    ck_assert_int_eq(peer_drain(w, &client, &dropped), PLX_EEOF);
    peer_close(&client);
    plx__free(bytes);
    plx__free(got);
}

/* Closing, a timeout and a reset end it as they always do: on_close comes, and on_release not. */
static void release_comes_to_nothing(world *w)
{
    for (int way = 0; way < 3; way++) {
        handover h = {.probe = {0}};
        peer client = connect_queued(w, &h, way == 1 ? 20 * PLX_MILLISECOND : 0);
        unsigned char *bytes = release_with_queue(w, &h);
        if (way == 0)
            ck_ok(plx_conn_close(w->loop, h.probe.conn));
        if (way == 2)
            peer_reset(&client);
        turn_until(w, &h.probe.closed, 1);
        ck_assert_uint_eq(h.sent, 1);
        ck_assert_uint_eq(h.released, 0);
        if (way == 1)
            ck_assert_int_eq(h.probe.reason, PLX_ETIMEDOUT);
        if (way != 2)
            peer_close(&client);
        plx__free(bytes);
    }
}

/* The peer has ended its side, and this one goes on elsewhere to find that out. */
static void end_is_found_by_the_next_owner(world *w)
{
    handover h = {.probe = {0}};
    probe then = {.then_end = NULL};
    plx_conn_options options = handover_options(&h);
    options.flags = PLX_CONN_PAUSED;
    peer client = connect_pair(w, &h.probe, &options);
    peer_send(w, &client, "abc", 3);
    peer_shutdown(&client);
    turn_some(w);
    ck_ok(plx_conn_release(w->loop, h.probe.conn));
    turn_until(w, &h.released, 1);
    plx_loop *other = loop_with(w, &h, &then);
    both_until(w, other, &then.closed, 1);
    ck_assert_uint_eq(then.received, 3);
    ck_assert_int_eq(then.reason, 0);
    peer_close(&client);
    ck_ok(plx_loop_close(other));
}

/* Each wrong use has its answer, and changes nothing. */
static void release_is_refused(world *w)
{
    handover h = {.probe = {0}};
    plx_conn connecting;
    plx_conn none = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn_options options = probe_options(&h.probe);
    peer client = connect_pair(w, &h.probe, &options);
    ck_assert_int_eq(plx_conn_release(w->loop, none), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_release(w->loop, h.probe.conn), PLX_EINVAL);
    peer_close(&client);
    turn_until(w, &h.probe.closed, 1);
    ck_assert_int_eq(plx_conn_release(w->loop, h.probe.gone), PLX_ESTALE);
    options = handover_options(&h);
    client = connect_pair(w, &h.probe, &options);
    ck_ok(plx_conn_shutdown(w->loop, h.probe.conn));
    ck_assert_int_eq(plx_conn_release(w->loop, h.probe.conn), PLX_EPIPE);
    peer_close(&client);
    turn_until(w, &h.probe.closed, 2);
    plx_socket listener = socket_listening(address);
    ck_ok(plx_connect(w->loop, &connecting, address, &options));
    ck_assert_int_eq(plx_conn_release(w->loop, connecting), PLX_ENOTCONN);
    ck_ok(plx_conn_close(w->loop, connecting));
    turn_until(w, &h.probe.closed, 3);
    ck_assert_uint_eq(h.released, 0);
    net_close(listener);
}

/* A socket that no loop has made, with what was received from it before. */
static void stranger_is_adopted(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn conn;
    char got[8];
    plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    net_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, &conn, c.ours.socket, &options, "bc", 2));
    c.ours.socket = PLX_SOCKET_NONE;
    ck_ok(plx_conn_write(w->loop, conn, "a", 1));
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_int_eq(plx_conn_release(w->loop, conn), PLX_EINVAL);
    turn_until(w, &p.received, 2);
    ck_assert_uint_eq(p.opened, 1);
    peer_send(w, &c.theirs, "de", 2);
    peer_receive(w, &c.theirs, got, 5);
    ck_assert_mem_eq(got, "abcde", 5);
    ck_assert_uint_eq(counter(w, connections_adopted), 1);
    peer_close(&c.theirs);
    turn_until(w, &p.closed, 1);
    couple_close(&c);
}

/* What cannot be adopted stays the caller's, as it was. */
static void adopting_is_refused(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    const plx_conn_options wrong = {.send_low = 2, .send_high = 1};
    couple c = couple_open();
    plx_socket listener = socket_listening(address);
    plx_socket fresh;
    ck_ok(net_open(&fresh, PLX__FAMILY_IPV4));
    ck_assert_int_eq(plx_conn_adopt(w->loop, NULL, PLX_SOCKET_NONE, NULL, NULL, 0), PLX_EBADF);
    ck_assert_int_eq(plx_conn_adopt(w->loop, NULL, fresh, NULL, NULL, 0), PLX_ENOTCONN);
    ck_assert_int_eq(plx_conn_adopt(w->loop, NULL, listener, NULL, NULL, 0), PLX_ENOTCONN);
    ck_assert_int_eq(plx_conn_adopt(w->loop, NULL, c.ours.socket, &wrong, NULL, 0), PLX_EINVAL);
    ck_assert_int_eq(plx_conn_adopt(w->loop, NULL, c.ours.socket, NULL, NULL, 5), PLX_EINVAL);
    for (uint32_t k = 0;; k++) {
        net_disown(c.ours.socket);
        plx__fault_arm(PLX__FAULT_MEMORY, k, 1);
        int status = plx_conn_adopt(w->loop, NULL, c.ours.socket, NULL, "abc", 3);
        plx__fault_arm(PLX__FAULT_MEMORY, 0, 0);
        if (status == 0)
            break;
        ck_assert_int_eq(status, PLX_ENOMEM);
        plx__fault_taken(PLX__FAULT_DESCRIPTOR);
        ck_assert_uint_eq(counter(w, connections_open), 0);
        ck_assert_uint_lt(k, 20);
    }
    c.ours.socket = PLX_SOCKET_NONE;
    ck_assert_uint_eq(counter(w, connections_open), 1);
    ck_assert_int_eq(plx_conn_adopt(w->loop, NULL, fresh, NULL, NULL, 0), PLX_ENOTCONN);
    net_close(fresh);
    net_close(listener);
    couple_close(&c);
    turn_until_counter(w, connections_closed, 1);
}

/* The loop closes over one that has not opened yet, and one that is to go. */
static void loop_closes_over_both(world *w)
{
    handover h = {.probe = {0}};
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    peer client = connect_queued(w, &h, 0);
    unsigned char *bytes = release_with_queue(w, &h);
    net_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, NULL, c.ours.socket, &options, NULL, 0));
    c.ours.socket = PLX_SOCKET_NONE;
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ECANCELED);
    ck_assert_uint_eq(h.probe.closed, 1);
    ck_assert_uint_eq(h.sent, 1);
    plx__free(bytes);
    peer_close(&client);
    couple_close(&c);
}

static size_t release_and_close(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                size_t length)
{
    (void)p;
    (void)bytes;
    ck_ok(plx_conn_release(loop, conn));
    ck_ok(plx_conn_close(loop, conn));
    return length;
}

/* Who closes a connection that is about to leave has closed it: nothing is handed out. */
static void closing_undoes_a_release(world *w)
{
    handover h = {.probe = {.then_data = release_and_close}};
    plx_conn_options options = handover_options(&h);
    size_t dropped;
    peer client = connect_pair(w, &h.probe, &options);
    peer_send(w, &client, "x", 1);
    turn_until(w, &h.probe.closed, 1);
    ck_ok(h.probe.reason);
    ck_assert_int_eq(peer_drain(w, &client, &dropped), PLX_EEOF);
    turn_some(w);
    ck_assert_uint_eq(h.released, 0);
    ck_assert_uint_eq(counter(w, connections_closed), 1);
    peer_close(&client);
}

/* Some backends need a turn to release a connection that was receiving. A timeout that is set
 * meanwhile arms no timer: it would outlive the connection. */
static void timeout_of_one_that_leaves_is_none(world *w)
{
    handover h = {.probe = {.then_data = release_after_three}};
    plx_conn_options options = handover_options(&h);
    unsigned char sent[3];
    pattern_fill(sent, sizeof sent, 0);
    peer client = connect_pair(w, &h.probe, &options);
    peer_send(w, &client, sent, sizeof sent);
    for (uint64_t until = net_now() + patience(); h.released == 0;) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(w->loop, PLX_MILLISECOND));
        int status =
            plx_conn_set_timeout(w->loop, h.probe.conn, PLX_TIMEOUT_IDLE, 3600 * PLX_SECOND);
        ck_assert(status == 0 || status == PLX_ESTALE);
    }
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    net_close(h.socket);
    peer_close(&client);
}

const test_case behavior_transfer_cases[] = {
    CASE(release_hands_out_the_rest),
    CASE(another_loop_goes_on),
    CASE(stream_is_handed_over),
    CASE(workers_get_what_one_accepts),
    CASE(release_waits_for_the_queue),
    CASE(release_comes_to_nothing),
    CASE(end_is_found_by_the_next_owner),
    CASE(release_is_refused),
    CASE(stranger_is_adopted),
    CASE(adopting_is_refused),
    CASE(loop_closes_over_both),
    CASE(closing_undoes_a_release),
    CASE(timeout_of_one_that_leaves_is_none),
    CASES_END,
};
