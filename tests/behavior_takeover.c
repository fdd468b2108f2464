/* tests/behavior_takeover.c - a loop goes from one thread to another while bytes, connections and
 * requests are on their way. Nothing is lost between them, and when plx_loop_close() has returned
 * all is closed, whether the thread that ran the loop lives on or not. */
#include <stdlib.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_takeover_cases[];

/* --- threads that do one thing and live on -----------------------------------------------------
 */

typedef struct helper {
    plx__thread thread;
    plx__mutex mutex;
    plx__condition changed;
    void (*run)(struct helper *h);
    world *w;
    probe *probe;
    size_t wanted; /* How many bytes the probe is to have received. */
    int status;
    bool is_done;
    bool may_end; /* At once, if it is set before it starts. */
} helper;

static void helper_run(void *data)
{
    helper *h = data;
    h->run(h);
    plx__mutex_lock(&h->mutex);
    h->is_done = true;
    plx__condition_signal(&h->changed);
    while (!h->may_end)
        (void)plx__condition_wait(&h->changed, &h->mutex, PLX_FOREVER);
    plx__mutex_unlock(&h->mutex);
}

static void helper_start(helper *h, world *w, void (*run)(helper *h))
{
    h->w = w;
    h->run = run;
    h->is_done = false;
    plx__mutex_open(&h->mutex);
    plx__condition_open(&h->changed);
    ck_ok(plx__thread_start(&h->thread, helper_run, h));
}

/* Until it has done its thing; it lives on. */
static void helper_await(helper *h)
{
    plx__mutex_lock(&h->mutex);
    while (!h->is_done)
        (void)plx__condition_wait(&h->changed, &h->mutex, PLX_FOREVER);
    plx__mutex_unlock(&h->mutex);
}

static void helper_end(helper *h)
{
    plx__mutex_lock(&h->mutex);
    h->may_end = true;
    plx__condition_signal(&h->changed);
    plx__mutex_unlock(&h->mutex);
    plx__thread_join(&h->thread);
    plx__condition_close(&h->changed);
    plx__mutex_close(&h->mutex);
}

/* Turns the loop until the probe has received what is wanted, and a little longer. */
static void turn_until_received(helper *h)
{
    uint64_t until = net_now() + patience();
    h->status = 0;
    while (h->status == 0 && h->probe->received < h->wanted && net_now() < until)
        h->status = plx_loop_run_once(h->w->loop, PLX_MILLISECOND);
    for (int i = 0; i < 3 && h->status == 0; i++)
        h->status = plx_loop_run_once(h->w->loop, 0);
}

static void run_until_stopped(helper *h)
{
    h->status = plx_loop_run(h->w->loop);
}

static void turn_three_times(helper *h)
{
    h->status = 0;
    for (int i = 0; i < 3 && h->status == 0; i++)
        h->status = plx_loop_run_once(h->w->loop, 0);
}

/* --- one after another -------------------------------------------------------------------------
 */

enum { PIECE = 1000 };

/* Sends the next piece of the pattern, without turning the loop. */
static void speak(peer *client, size_t *position)
{
    unsigned char piece[PIECE];
    pattern_fill(piece, sizeof piece, *position);
    ck_assert_int_eq((int)net_send(client->socket, piece, sizeof piece), PIECE);
    *position += sizeof piece;
}

/* Receives the echo of that, without turning the loop. */
static void hear_echo(peer *client, size_t position)
{
    unsigned char piece[PIECE];
    size_t got = 0;
    uint64_t until = net_now() + patience();
    while (got < sizeof piece) {
        ptrdiff_t more = peer_try(client, piece + got, sizeof piece - got);
        ck_assert(more > 0 || more == PLX_EAGAIN);
        ck_assert_uint_lt(net_now(), until);
        got += more > 0 ? (size_t)more : 0;
    }
    pattern_check(piece, sizeof piece, position - sizeof piece);
}

/* What comes before a thread has the loop, while it has it, and between two of them is all echoed
 * in its order, whether the one before lives on or has ended. */
static void runs_on_one_thread_after_another(world *w)
{
    enum { THREADS = 6 };
    probe p = {.then_data = echo_back};
    helper helpers[THREADS] = {{.run = NULL}};
    plx_conn_options options = probe_options(&p);
    size_t position = 0;
    peer client = connect_pair(w, &p, &options);
    for (int i = 0; i < THREADS; i++) {
        helper *h = &helpers[i];
        speak(&client, &position);
        h->probe = &p;
        h->wanted = position;
        helper_start(h, w, turn_until_received);
        helper_await(h);
        ck_ok(h->status);
        hear_echo(&client, position);
        if (i % 3 == 2)
            helper_end(h); /* The others live on. */
        if (i % 2 == 1) {  /* Between them, the thread that opened it. */
            speak(&client, &position);
            turn_until(w, &p.received, position);
            turn_some(w);
            hear_echo(&client, position);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        if (i % 3 != 2)
            helper_end(&helpers[i]);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* New connections come to whichever thread runs the loop, timers and posts as well. */
static void listens_on_one_thread_after_another(world *w)
{
    enum { THREADS = 4 };
    probe p = {.then_data = echo_back};
    helper helpers[THREADS] = {{.run = NULL}};
    peer clients[THREADS];
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t position = 0;
    (void)listen_at(w, &options, address);
    turn_some(w);
    for (size_t i = 0; i < THREADS; i++) {
        clients[i] = peer_open(w, address);
        speak(&clients[i], &position);
        helpers[i].probe = &p;
        helpers[i].wanted = position;
        helper_start(&helpers[i], w, turn_until_received);
        helper_await(&helpers[i]);
        ck_ok(helpers[i].status);
        ck_assert_uint_eq(p.opened, i + 1);
        hear_echo(&clients[i], position);
    }
    for (int i = 0; i < THREADS; i++) {
        helper_end(&helpers[i]);
        peer_close(&clients[i]);
    }
    turn_until(w, &p.closed, THREADS);
}

typedef struct feeder {
    peer client;
    plx__atomic_u32 is_over;
    size_t sent;
} feeder;

/* Sends the pattern until it is told to stop. */
static void feed(void *data)
{
    feeder *f = data;
    unsigned char piece[PIECE];
    while (plx__atomic_load(&f->is_over) == 0) {
        pattern_fill(piece, sizeof piece, f->sent);
        ptrdiff_t sent = net_send(f->client.socket, piece, sizeof piece);
        if (sent < 0)
            return;
        f->sent += (size_t)sent;
    }
}

static size_t count_wrong(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    const unsigned char *is = bytes;
    size_t *wrong = p->more;
    (void)loop;
    (void)conn;
    for (size_t i = 0; i < length; i++)
        *wrong += is[i] != pattern(p->received + i);
    return length;
}

/* Each thread ends at once when it has taken some turns, while the next one begins and bytes come:
 * none of them is lost with the thread. */
static void bytes_survive_the_end_of_a_thread(world *w)
{
    enum { THREADS = 40 };
    static helper helpers[THREADS];
    size_t wrong = 0;
    probe p = {.then_data = count_wrong, .more = &wrong};
    feeder f = {.sent = 0};
    plx__thread feeding;
    plx_conn_options options = probe_options(&p);
    f.client = connect_pair(w, &p, &options);
    ck_ok(plx__thread_start(&feeding, feed, &f));
    for (int i = 0; i < THREADS; i++) {
        helper *h = &helpers[i];
        *h = (helper){.may_end = true};
        helper_start(h, w, turn_three_times);
        helper_await(h);
    }
    plx__atomic_store(&f.is_over, 1);
    plx__thread_join(&feeding);
    for (int i = 0; i < THREADS; i++) {
        helper_end(&helpers[i]);
        ck_ok(helpers[i].status);
    }
    turn_until(w, &p.received, f.sent);
    ck_assert_uint_eq(wrong, 0);
    peer_close(&f.client);
    turn_until(w, &p.closed, 1);
}

static void note_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    ck_ok(status);
    ++*(size_t *)data;
}

/* What waits for a slow peer goes on, and nothing of it twice. */
static void what_waits_to_be_sent_goes_on_on_another_thread(world *w)
{
    enum { TOTAL = 16 << 20, THREADS = 3, TAKEN = TOTAL / 4 };
    probe p = {.opened = 0};
    helper helpers[THREADS] = {{.run = NULL}};
    plx_conn_options options = probe_options(&p);
    unsigned char *bytes = malloc(TOTAL);
    unsigned char *got = malloc(TOTAL);
    size_t sent = 0;
    pattern_fill(bytes, TOTAL, 0);
    options.send_max = TOTAL;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_send(w->loop, p.conn, bytes, TOTAL, note_sent, &sent));
    turn_some(w);
    size_t at = 0;
    for (int i = 0; i < THREADS; i++) {
        ptrdiff_t more = peer_try(&client, got + at, TAKEN);
        ck_assert(more > 0);
        at += (size_t)more;
        helper_start(&helpers[i], w, turn_three_times);
        helper_await(&helpers[i]);
        ck_ok(helpers[i].status);
    }
    peer_receive(w, &client, got + at, TOTAL - at);
    ck_assert_int_eq(memcmp(got, bytes, TOTAL), 0);
    turn_until(w, &sent, 1);
    for (int i = 0; i < THREADS; i++)
        helper_end(&helpers[i]);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    free(got);
    free(bytes);
}

/* What was written and not sent by the wait yet is sent by the thread that waits next. */
static void what_was_written_is_sent_by_another_thread(world *w)
{
    probe p = {.opened = 0};
    helper h = {.run = NULL};
    unsigned char got[PIECE];
    unsigned char bytes[PIECE];
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    pattern_fill(bytes, PIECE, 0);
    ck_ok(plx_conn_write(w->loop, p.conn, bytes, PIECE));
    helper_start(&h, w, turn_three_times);
    helper_await(&h);
    ck_ok(h.status);
    peer_receive(w, &client, got, PIECE);
    pattern_check(got, PIECE, 0);
    helper_end(&h);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* So is what several writes made, of which the later ones had the earlier ones sent at once. */
static void several_writes_are_sent_by_another_thread(world *w)
{
    enum { WRITES = 3 };
    probe p = {.opened = 0};
    helper h = {.run = NULL};
    unsigned char got[WRITES * PIECE];
    unsigned char bytes[WRITES * PIECE];
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < WRITES; i++)
        ck_ok(plx_conn_write(w->loop, p.conn, bytes + i * PIECE, PIECE));
    helper_start(&h, w, turn_three_times);
    helper_await(&h);
    ck_ok(h.status);
    peer_receive(w, &client, got, sizeof got);
    pattern_check(got, sizeof got, 0);
    helper_end(&h);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- closing -----------------------------------------------------------------------------------
 */

/* The peer sees the end without anybody's turning a loop. */
static void expect_end(peer *client)
{
    char byte;
    ptrdiff_t got;
    uint64_t until = net_now() + patience();
    while ((got = peer_try(client, &byte, 1)) == PLX_EAGAIN)
        ck_assert_uint_lt(net_now(), until);
    ck_assert_int_eq((int)got, 0);
}

/* The address is free: as a program that starts next would find it. */
static void expect_free(const char *address)
{
    plx_socket socket;
    plx__address parsed;
    ck_ok(plx__address_parse(&parsed, address));
    ck_ok(net_open(&socket, parsed.family));
    ck_ok(net_set(socket, PLX__SOCKET_LISTEN_ALONE, 1));
    ck_ok(net_bind(socket, &parsed));
    ck_ok(net_listen(socket, 1));
    net_close(socket);
}

static void watched(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

static size_t stop_on_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    (void)conn;
    (void)p;
    (void)bytes;
    plx_loop_stop(loop);
    return length;
}

/* A thread runs the loop with a listener, a connection and a watch, and stops. Another one closes
 * it. */
static void expect_closed_by_another(world *w, bool lives_on)
{
    probe p = {.then_data = stop_on_data};
    helper h = {.run = NULL};
    plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    ck_ok(plx_watch_open(w->loop, NULL, c.ours.socket, PLX_READABLE, watched, NULL));
    peer client = peer_start(address);
    peer late = peer_start(address);
    helper_start(&h, w, run_until_stopped);
    uint64_t until = net_now() + patience();
    while (net_send(client.socket, "x", 1) != 1)
        ck_assert_uint_lt(net_now(), until);
    helper_await(&h);
    ck_ok(h.status);
    if (!lives_on)
        helper_end(&h);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, p.opened);
    expect_free(address);
    expect_end(&client);
    peer_close(&c.ours);
    expect_end(&c.theirs); /* Nothing holds on to a socket that was watched. */
    peer_close(&c.theirs);
    peer_close(&client);
    peer_close(&late);
    if (lives_on)
        helper_end(&h);
}

static void closes_on_another_thread_while_the_first_lives(world *w)
{
    expect_closed_by_another(w, true);
}

static void closes_on_another_thread_when_the_first_has_ended(world *w)
{
    expect_closed_by_another(w, false);
}

typedef struct closing {
    plx_loop *loop;
    int status;
} closing;

static void close_loop(void *data)
{
    closing *c = data;
    c->status = plx_loop_close(c->loop);
}

/* A client connects while another listener is closed: the system may have accepted it then, and the
 * loop does not turn any more. It sees the end when another thread closes the loop. */
static void one_that_was_accepted_last_sees_the_end(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char addresses[2][PLX_ADDRESS_TEXT_MAX];
    plx_listener listener = listen_at(w, &options, addresses[0]);
    closing c = {.loop = w->loop};
    plx__thread thread;
    (void)listen_at(w, &options, addresses[1]);
    turn_some(w);
    peer client = peer_start(addresses[1]);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_ok(plx__thread_start(&thread, close_loop, &c));
    plx__thread_join(&thread);
    ck_ok(c.status);
    w->loop = NULL;
    uint64_t until = net_now() + patience();
    ptrdiff_t got;
    char byte;
    while ((got = peer_try(&client, &byte, 1)) == PLX_EAGAIN)
        ck_assert_uint_lt(net_now(), until);
    ck_assert_int_le((int)got, 0); /* The end, or a reset if it was not accepted. */
    peer_close(&client);
    ck_assert_uint_eq(p.opened, 0);
}

/* A listener's address is free when it was closed by whichever thread. */
static void listener_is_closed_by_another_thread(world *w)
{
    probe p = {.opened = 0};
    helper h = {.run = NULL};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener = listen_at(w, &options, address);
    helper_start(&h, w, turn_three_times);
    helper_await(&h);
    ck_ok(h.status);
    ck_ok(plx_listener_close(w->loop, listener));
    expect_free(address);
    helper_end(&h);
}

const test_case behavior_takeover_cases[] = {
    CASE(runs_on_one_thread_after_another),
    CASE(listens_on_one_thread_after_another),
    CASE(bytes_survive_the_end_of_a_thread),
    CASE(what_waits_to_be_sent_goes_on_on_another_thread),
    CASE(what_was_written_is_sent_by_another_thread),
    CASE(several_writes_are_sent_by_another_thread),
    CASE(closes_on_another_thread_while_the_first_lives),
    CASE(closes_on_another_thread_when_the_first_has_ended),
    CASE(one_that_was_accepted_last_sees_the_end),
    CASE(listener_is_closed_by_another_thread),
    CASES_END,
};
