/* tests/behavior_watch.c - readiness of sockets that belong to somebody else. */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"
#ifndef _WIN32
#include "platform/os.h"
#endif

extern const test_case behavior_watch_cases[];

typedef struct seen {
    size_t count;
    uint32_t ready; /* Of the last call. */
    plx_socket socket;
    plx_watch watch;
    bool closes;
} seen;

static void see(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    seen *s = data;
    s->count++;
    s->ready = ready;
    s->socket = socket;
    s->watch = watch;
    if (s->closes)
        ck_ok(plx_watch_close(loop, watch));
}

/* Readable when something comes, in every turn until it is read, and not any more then; but for one
 * call that may be on its way already. */
static void watch_for_reading(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    char bytes[8];
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
    turn_some(w);
    ck_assert_uint_eq(s.count, 0);
    peer_send(w, &c.theirs, "x", 1);
    turn_until(w, &s.count, 1);
    ck_assert_uint_eq(s.ready, PLX_READABLE);
    ck_assert(s.socket == c.ours.socket);
    ck_assert_uint_eq(s.watch.bits, watch.bits);
    turn_until(w, &s.count, 2); /* It is level-triggered. */
    ck_assert_int_eq(peer_try(&c.ours, bytes, sizeof bytes), 1);
    size_t before = s.count;
    turn_some(w);
    ck_assert_uint_le(s.count, before + 1);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* Writable at once; not while the system's buffers are full; again when the peer has read. */
static void watch_for_writing(world *w)
{
    static unsigned char bytes[65536];
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    size_t filled = 0;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_WRITABLE, see, &s));
    turn_until(w, &s.count, 1);
    ck_assert_uint_eq(s.ready, PLX_WRITABLE);
    for (ptrdiff_t sent; (sent = net_send(c.ours.socket, bytes, sizeof bytes)) != 0;) {
        ck_assert_int_gt(sent, 0);
        filled += (size_t)sent;
    }
    turn(w); /* What is being delivered may make room once more. */
    for (ptrdiff_t sent; (sent = net_send(c.ours.socket, bytes, sizeof bytes)) != 0;)
        filled += (size_t)sent;
    size_t before = s.count;
    turn_some(w);
    ck_assert_uint_le(s.count, before + 1);
    for (size_t read = 0; read < filled;) {
        ptrdiff_t got = peer_try(&c.theirs, bytes, sizeof bytes);
        ck_assert_msg(got > 0 || got == PLX_EAGAIN, "%s", plx_error_name((int)got));
        read += got > 0 ? (size_t)got : 0;
    }
    turn_until(w, &s.count, s.count + 1);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* What is asked for can change at any time, to nothing and back. */
static void watch_changes_its_interest(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, 0, see, &s));
    peer_send(w, &c.theirs, "x", 1);
    turn_some(w);
    ck_assert_uint_eq(s.count, 0);
    ck_ok(plx_watch_set(w->loop, watch, PLX_READABLE | PLX_WRITABLE));
    turn_until(w, &s.count, 1);
    ck_assert_uint_ne(s.ready & (PLX_READABLE | PLX_WRITABLE), 0);
    ck_ok(plx_watch_set(w->loop, watch, PLX_WRITABLE));
    turn(w);
    turn_until(w, &s.count, s.count + 1);
    ck_assert_uint_eq(s.ready, PLX_WRITABLE);
    ck_ok(plx_watch_set(w->loop, watch, 0));
    turn(w);
    size_t before = s.count;
    turn_some(w);
    ck_assert_uint_eq(s.count, before);
    ck_assert_int_eq(plx_watch_set(w->loop, watch, PLX_FAILED), PLX_EINVAL);
    ck_assert_int_eq(plx_watch_set(w->loop, watch, 64), PLX_EINVAL);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* With nothing to read and room to write, one that asks for both is told of the room alone. */
static void watch_is_told_what_is_true(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE | PLX_WRITABLE, see, &s));
    for (size_t calls = 1; calls <= 3; calls++) {
        turn_until(w, &s.count, calls);
        ck_assert_uint_eq(s.ready, PLX_WRITABLE);
    }
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* The end of the stream counts as readable, so that the owner's next receive meets it. */
static void watch_sees_the_end(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    char byte;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
    peer_shutdown(&c.theirs);
    turn_until(w, &s.count, 1);
    ck_assert_uint_eq(s.ready & PLX_READABLE, PLX_READABLE);
    ck_assert_int_eq(peer_try(&c.ours, &byte, 1), 0);
    ck_ok(plx_watch_close(w->loop, watch));
    couple_close(&c);
}

/* A watch that closes itself in its callback: the next socket of the same number, watched at once,
 * gets its own events only. */
static void watch_closes_itself(world *w)
{
    for (int round = 0; round < 20; round++) {
        couple c = couple_open();
        seen s = {.closes = true};
        seen quiet = {0};
        plx_watch watch;
        plx_watch other;
        ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
        peer_send(w, &c.theirs, "x", 1);
        turn_until(w, &s.count, 1);
        ck_assert_int_eq(plx_watch_close(w->loop, watch), PLX_ESTALE);
        peer_close(&c.ours);
        couple next = couple_open();
        ck_ok(plx_watch_open(w->loop, &other, next.ours.socket, PLX_READABLE, see, &quiet));
        turn_some(w);
        ck_assert_uint_eq(s.count, 1);
        ck_assert_uint_eq(quiet.count, 0);
        ck_ok(plx_watch_close(w->loop, other));
        peer_close(&c.theirs);
        peer_close(&next.ours);
        peer_close(&next.theirs);
    }
}

static void connect_by_hand(world *w, const char *address, uint32_t *ready_out, int *result_out)
{
    seen s = {0};
    plx_watch watch;
    peer p = peer_start(address);
    ck_ok(plx_watch_open(w->loop, &watch, p.socket, PLX_WRITABLE, see, &s));
    uint64_t until = net_now() + patience();
    while (s.count == 0) {
        ck_assert_uint_lt(net_now(), until);
        turn(w);
    }
    *ready_out = s.ready;
    *result_out = net_connect_result(p.socket);
    ck_ok(plx_watch_close(w->loop, watch));
    peer_close(&p);
}

/* What libcurl does: a connect of the owner's own, watched for writing. It is told of its success
 * and of its failure. */
static void watch_over_a_connect(world *w)
{
    probe server = {0};
    plx_conn_options options = probe_options(&server);
    char address[PLX_ADDRESS_TEXT_MAX];
    uint32_t ready;
    int result;
    plx_listener listener = listen_at(w, &options, address);
    connect_by_hand(w, address, &ready, &result);
    ck_assert_uint_eq(ready & PLX_WRITABLE, PLX_WRITABLE);
    ck_ok(result);
    turn_until(w, &server.closed, 1);
    ck_ok(plx_listener_close(w->loop, listener));
    plx_socket bound = socket_refusing(address);
    connect_by_hand(w, address, &ready, &result);
    ck_assert_uint_eq(ready & PLX_WRITABLE, PLX_WRITABLE);
    ck_assert_int_eq(result, PLX_ECONNREFUSED);
    net_close(bound);
}

/* A socket is watched once on a loop, whatever the backend would put up with; and again when the
 * first watch is closed. */
static void watch_twice_is_refused(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch;
    plx_watch second = {0};
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
    ck_assert_int_eq(plx_watch_open(w->loop, &second, c.ours.socket, PLX_WRITABLE, see, &s),
                     PLX_EEXIST);
    ck_assert_uint_eq(second.bits, 0);
    ck_ok(plx_watch_close(w->loop, watch));
    ck_ok(plx_watch_open(w->loop, &second, c.ours.socket, PLX_WRITABLE, see, &s));
    turn_until(w, &s.count, 1);
    ck_assert_uint_eq(s.ready, PLX_WRITABLE);
    ck_ok(plx_watch_close(w->loop, second));
    couple_close(&c);
}

/* What is no socket is refused when the watch is asked for. */
static void watch_refuses_what_is_no_socket(world *w)
{
    couple c = couple_open();
    seen s = {0};
    plx_watch watch = {0};
    plx_socket gone = c.ours.socket;
    ck_assert_int_eq(plx_watch_open(w->loop, &watch, gone, PLX_READABLE, NULL, &s), PLX_EINVAL);
    ck_assert_int_eq(plx_watch_open(w->loop, &watch, gone, 8, see, &s), PLX_EINVAL);
    peer_close(&c.ours);
    int status = plx_watch_open(w->loop, &watch, gone, PLX_READABLE, see, &s);
    ck_assert_msg(status == PLX_EBADF || status == PLX_ENOTSOCK, "%s", plx_error_name(status));
    status = plx_watch_open(w->loop, &watch, PLX_SOCKET_NONE, PLX_READABLE, see, &s);
    ck_assert_msg(status == PLX_EBADF || status == PLX_ENOTSOCK, "%s", plx_error_name(status));
    ck_assert_uint_eq(watch.bits, 0);
    peer_close(&c.theirs);
}

/* A device that cannot be polled is ready to poll(), is refused by epoll, and so on: there is one
 * answer. */
static void watch_refuses_a_device_that_cannot_be_polled(world *w)
{
    seen s = {0};
    plx_watch watch = {0};
    plx_socket device;
    if (plx__test_device(&device) != 0)
        return;
    for (uint32_t interest = 0; interest <= (PLX_READABLE | PLX_WRITABLE); interest++)
        ck_assert_int_eq(plx_watch_open(w->loop, &watch, device, interest, see, &s), PLX_ENOTSOCK);
    ck_assert_uint_eq(watch.bits, 0);
    net_dispose(device);
}

enum { MANY = 600 };

typedef struct frequent {
    couple couple;
    plx_watch watch;
    size_t calls;
    uint64_t turn; /* Of the last call. */
} frequent;

static void see_once(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    frequent *f = data;
    plx_loop_stats stats;
    (void)watch;
    (void)socket;
    ck_assert_uint_eq(ready, PLX_READABLE);
    plx_loop_stats_get(loop, &stats);
    ck_assert_msg(f->turn != stats.ticks, "called twice in one turn");
    f->turn = stats.ticks;
    f->calls++;
}

static size_t fewest_calls(const frequent *all)
{
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; i < MANY; i++)
        fewest = all[i].calls < fewest ? all[i].calls : fewest;
    return fewest;
}

/* More are ready than one wait brings on some backends: each is called in each turn, once. io_uring
 * takes some turns until it has told all of the first time. */
static void each_of_many_is_called_once_a_turn(world *w)
{
    static frequent all[MANY];
    enum { TURNS = 20 };
    for (size_t i = 0; i < MANY; i++) {
        all[i].couple = couple_open();
        ck_ok(plx_watch_open(w->loop, &all[i].watch, all[i].couple.ours.socket, PLX_READABLE,
                             see_once, &all[i]));
        peer_send(w, &all[i].couple.theirs, "x", 1);
    }
    /* "poll-two-tier" hands all to the second thread in every turn, ready or not. */
    bool may_lag =
        strcmp(w->backend, "uring") == 0 || strcmp(w->configuration, "poll-two-tier") == 0;
    uint64_t until = net_now() + patience();
    while (may_lag && fewest_calls(all) == 0) {
        ck_assert_uint_lt(net_now(), until);
        turn(w);
    }
    size_t before = fewest_calls(all);
    for (size_t turns = 0; turns < TURNS; turns++)
        turn(w);
    until = net_now() + patience();
    while (may_lag && fewest_calls(all) < before + TURNS) { /* Nobody is passed over for ever. */
        ck_assert_uint_lt(net_now(), until);
        turn(w);
    }
    ck_assert_uint_ge(fewest_calls(all), before + TURNS);
    for (size_t i = 0; i < MANY; i++) {
        ck_ok(plx_watch_close(w->loop, all[i].watch));
        couple_close(&all[i].couple);
    }
}

/* An owner that closes its socket under the watch has made a mistake. The loop neither spins nor
 * goes deaf over it: others are served as before, and the watch can be closed, or has been. */
static void watch_over_a_socket_that_was_closed(world *w)
{
    couple c = couple_open();
    couple other = couple_open();
    seen s = {0};
    seen alive = {0};
    plx_watch watch;
    plx_watch healthy;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, see, &s));
    ck_ok(plx_watch_open(w->loop, &healthy, other.ours.socket, PLX_READABLE, see, &alive));
    turn(w);
    peer_close(&c.ours);
    turn_some(w);
    ck_assert_uint_le(s.count, 1);
    ck_assert_uint_eq(counter(w, sockets_lost), s.count);
    if (s.count == 1)
        ck_assert_uint_eq(s.ready, PLX_FAILED);
    int status = plx_watch_close(w->loop, watch);
    ck_assert_int_eq(status, s.count == 1 ? PLX_ESTALE : 0);
    peer_send(w, &other.theirs, "x", 1);
    turn_until(w, &alive.count, 1);
    ck_ok(plx_watch_close(w->loop, healthy));
    peer_close(&c.theirs);
    peer_close(&other.ours);
    peer_close(&other.theirs);
}

typedef struct turncoat {
    seen seen;
    struct turncoat *other;
    size_t *told_again; /* How many of them were told after that. */
} turncoat;

/* From the first call on both want to write. */
static void change_both(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                        uint32_t ready)
{
    turncoat *t = data;
    see(loop, watch, &t->seen, socket, ready);
    ck_assert_uint_ne(ready, PLX_FAILED); /* Which would say that the descriptor is closed. */
    *t->told_again += t->seen.count == 2;
    ck_ok(plx_watch_set(loop, watch, PLX_WRITABLE));
    ck_ok(plx_watch_set(loop, t->other->seen.watch, PLX_WRITABLE));
}

/* Two sockets fail in the same turn, and the first callback changes what the other watch asks for.
 * That one still has its descriptor, and is told what it asks for now. */
static void interest_changes_while_a_failure_is_told(world *w)
{
    couple couples[] = {couple_open(), couple_open()};
    size_t told_again = 0;
    turncoat all[2] = {{.other = &all[1], .told_again = &told_again},
                       {.other = &all[0], .told_again = &told_again}};
    for (int i = 0; i < 2; i++)
        ck_ok(plx_watch_open(w->loop, &all[i].seen.watch, couples[i].ours.socket, PLX_READABLE,
                             change_both, &all[i]));
    turn_some(w);
    for (int i = 0; i < 2; i++)
        peer_reset(&couples[i].theirs);
    turn_until(w, &told_again, 2);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_ne(all[i].seen.ready & PLX_WRITABLE, 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    for (int i = 0; i < 2; i++) {
        ck_ok(plx_watch_close(w->loop, all[i].seen.watch));
        couple_close(&couples[i]);
    }
}

#ifndef _WIN32
/* Two sockets of UDP, connected with `to`: 0, with each other; 1, both with the second. */
static void udp_connect(const plx_socket sockets[2], int to)
{
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in name;
        socklen_t size = sizeof name;
        int other = i == 0 ? 1 : to;
        ck_assert_int_eq(getsockname(sockets[other], (struct sockaddr *)&name, &size), 0);
        ck_assert_int_eq(connect(sockets[i], (struct sockaddr *)&name, size), 0);
    }
}

static void udp_open(plx_socket sockets[2])
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0; i < 2; i++) {
        sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_ge(sockets[i], 0);
        ck_assert_int_eq(bind(sockets[i], (const struct sockaddr *)&any, sizeof any), 0);
    }
}

/* A datagram is refused: the second socket takes what it sends to itself alone. The owner of the
 * first is told to read, and meets the error. */
static void expect_refusal(world *w, const plx_socket sockets[2], const seen *s)
{
    size_t before = s->count;
    char byte;
    udp_connect(sockets, 1);
    ck_assert_int_eq((int)send(sockets[0], "x", 1, 0), 1);
    turn_until(w, &s->count, before + 1);
    ck_assert_uint_eq(s->ready & PLX_READABLE, PLX_READABLE);
    ck_assert_int_eq((int)recv(sockets[0], &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    turn_some(w); /* One call may be on its way. */
}

/* What a resolver does: a datagram, and the answer is that nobody is there. The watch tells of it
 * and stays open. */
static void watch_goes_on_after_a_failure_that_passes(world *w)
{
    plx_socket sockets[2];
    seen s = {0};
    plx_watch watch;
    char byte;
    udp_open(sockets);
    ck_ok(plx_watch_open(w->loop, &watch, sockets[0], PLX_READABLE, see, &s));
    turn_some(w);
    ck_assert_uint_eq(s.count, 0);
    for (int round = 0; round < 2; round++) {
        expect_refusal(w, sockets, &s);
        size_t before = s.count;
        udp_connect(sockets, 0);
        ck_assert_int_eq((int)send(sockets[1], "x", 1, 0), 1);
        turn_until(w, &s.count, before + 1);
        ck_assert_uint_eq(s.ready, PLX_READABLE);
        ck_assert_int_eq((int)recv(sockets[0], &byte, 1, MSG_DONTWAIT), 1);
        turn_some(w);
    }
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    ck_ok(plx_watch_close(w->loop, watch));
    for (int i = 0; i < 2; i++)
        net_dispose(sockets[i]);
}

enum { READY = 80 }; /* More than are taken at a time (EVENTS_MAX of readiness.c). */

typedef struct failed_once {
    plx_socket sockets[2];
    size_t told; /* Of the others. */
} failed_once;

/* The first of the others to be told closes the socket, which is to be told yet: a mistake. */
static void close_under_the_watch(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                                  uint32_t ready)
{
    failed_once *f = data;
    (void)loop;
    (void)watch;
    (void)socket;
    (void)ready;
    if (f->told++ == 0)
        net_dispose(f->sockets[0]);
}

/* A socket has failed once. Later it is ready, and closed before that is told: what was found is
 * told as it is of others, and nobody looks at the descriptor. Only libuv has to be told to go on
 * after a failure, and may be told once too often. */
static void one_that_failed_once_is_told_as_others_are(world *w)
{
    static couple others[READY];
    static plx_watch watches[READY];
    failed_once f = {.told = 0};
    seen s = {0};
    plx_watch watch;
    if (strcmp(w->backend, "libuv") != 0)
        return;
    udp_open(f.sockets);
    ck_ok(plx_watch_open(w->loop, &watch, f.sockets[0], PLX_READABLE, see, &s));
    for (int i = 0; i < READY; i++) {
        others[i] = couple_open();
        ck_ok(plx_watch_open(w->loop, &watches[i], others[i].ours.socket, PLX_READABLE,
                             close_under_the_watch, &f));
    }
    expect_refusal(w, f.sockets, &s);
    size_t before = s.count;
    for (int i = 0; i < READY; i++)
        peer_send(w, &others[i].theirs, "x", 1);
    udp_connect(f.sockets, 0);
    ck_assert_int_eq((int)send(f.sockets[1], "x", 1, 0), 1);
    ck_ok(plx_loop_run_once(w->loop, patience()));
    ck_assert_uint_eq(f.told, READY);
    ck_assert_uint_eq(s.count, before + 1);
    ck_assert_uint_eq(s.ready, PLX_READABLE);
    ck_ok(plx_watch_close(w->loop, watch));
    net_dispose(f.sockets[1]);
    for (int i = 0; i < READY; i++) {
        ck_ok(plx_watch_close(w->loop, watches[i]));
        couple_close(&others[i]);
    }
}
#else
static void watch_goes_on_after_a_failure_that_passes(world *w)
{
    (void)w; /* Windows tells of refused datagrams in another way. */
}

static void one_that_failed_once_is_told_as_others_are(world *w)
{
    (void)w;
}
#endif

const test_case behavior_watch_cases[] = {
    CASE(watch_goes_on_after_a_failure_that_passes),
    CASE(one_that_failed_once_is_told_as_others_are),
    CASE(watch_for_reading),
    CASE(watch_for_writing),
    CASE(watch_changes_its_interest),
    CASE(watch_is_told_what_is_true),
    CASE(watch_sees_the_end),
    CASE(watch_closes_itself),
    CASE(watch_over_a_connect),
    CASE(watch_twice_is_refused),
    CASE(watch_refuses_what_is_no_socket),
    CASE(watch_refuses_a_device_that_cannot_be_polled),
    CASE(each_of_many_is_called_once_a_turn),
    CASE(watch_over_a_socket_that_was_closed),
    CASE(interest_changes_while_a_failure_is_told),
    CASES_END,
};
