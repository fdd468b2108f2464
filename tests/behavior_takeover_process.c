/* tests/behavior_takeover_process.c - a process hands its listening sockets to the next one, and
 * what it does when that one is a stranger, talks nonsense or ends in the middle: it serves on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/handover/handover.h"
#include "platform/os.h"
#include "tests/child.h"
#include "tests/handing.h"

extern const test_case behavior_takeover_process_cases[];

/* --- as it should be -------------------------------------------------------------------------- */

/* Somebody connects before, and waits in the queue of the socket. The next process gets it, the
 * old one is told, and its path is free for the next one's own offer. */
static void next_process_gets_the_sockets(world *w)
{
    for (int closes = 0; closes < 2; closes++) {
        old_process old = {.closes = closes != 0};
        next_process next;
        if (!old_open(w, &old, 0))
            return;
        peer early = peer_start(old.address);
        next_ask(w, &next, &old, true);
        ck_ok(next.status);
        ck_ok(next.confirmed);
        turn_until(w, &old.taken, 1);
        ck_assert(!is_there(old.file));
        ck_assert_uint_eq(old.refused, 0);
        plx_sockets *sockets = plx_takeover_sockets(next.takeover);
        ck_assert_uint_eq(plx_sockets_count(sockets), 1);
        ck_assert_str_eq(plx_sockets_name(sockets, 0), "web");
        if (closes == 0)
            plx_handover_close(old.handover);
        plx_socket socket = plx_sockets_take(sockets, 0);
        plx_takeover_close(next.takeover);
        check_serves(w, old.address, socket, &early);
    }
}

/* An offer of so many copies of one socket, with names as long as they may be. */
static bool many_open(world *w, old_process *old, uint32_t count, char name[PLX_SOCKET_NAME_MAX])
{
    plx_sockets *offered;
    if (!old_open(w, old, 0))
        return false;
    plx_handover_close(old->handover);
    memset(name, 'n', PLX_SOCKET_NAME_MAX - 1);
    name[PLX_SOCKET_NAME_MAX - 1] = '\0';
    plx_socket first = socket_listening(old->address);
    ck_ok(plx_sockets_open(&offered));
    for (uint32_t i = 0; i < count; i++) {
        plx_socket socket;
        ck_ok(plx_socket_duplicate(first, &socket));
        ck_ok(plx_sockets_add(offered, name, socket));
    }
    net_close(first);
    ck_ok(plx_handover_open(
        &old->handover, w->loop, old->path,
        &(plx_handover_options){.sockets = offered, .on_taken = old_on_taken, .data = old}));
    return true;
}

/* As many as go into one message. */
static void many_sockets_go_over(world *w)
{
    old_process old = {0};
    next_process next;
    char name[PLX_SOCKET_NAME_MAX];
    if (!many_open(w, &old, PLX_SOCKETS_MAX, name))
        return;
    next_ask(w, &next, &old, true);
    ck_ok(next.status);
    ck_ok(next.confirmed);
    plx_sockets *sockets = plx_takeover_sockets(next.takeover);
    ck_assert_uint_eq(plx_sockets_count(sockets), PLX_SOCKETS_MAX);
    for (uint32_t i = 0; i < PLX_SOCKETS_MAX; i++) {
        ck_assert_str_eq(plx_sockets_name(sockets, i), name);
        ck_assert(plx_sockets_at(sockets, i) != PLX_SOCKET_NONE);
    }
    turn_until(w, &old.taken, 1);
    plx_handover_close(old.handover);
    plx_takeover_close(next.takeover);
}

static void frame_of(unsigned char *bytes, enum plx__frame_kind kind)
{
    plx__frame_write(&(plx__frame){.kind = (uint32_t)kind, .process = plx__process_id()}, bytes);
}

/* One byte after the other, each seen by the loop alone. */
static void frame_drip(world *w, peer *p, enum plx__frame_kind kind)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    frame_of(bytes, kind);
    for (size_t i = 0; i < sizeof bytes; i++) {
        peer_send(w, p, bytes + i, 1);
        turn(w);
    }
}

static void frame_hear(world *w, peer *p, plx__frame *frame, enum plx__frame_kind kind)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    peer_receive(w, p, bytes, sizeof bytes);
    ck_ok(plx__frame_read(frame, bytes));
    ck_assert_uint_eq(frame->kind, (uint32_t)kind);
    ck_assert_uint_eq(frame->process, plx__process_id());
}

static void next_process_may_be_slow(world *w)
{
    old_process old = {0};
    plx__frame frame;
    char names[sizeof "web" + PLX__PACKED_BYTES];
    size_t rest;
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    frame_drip(w, &other, PLX__FRAME_REQUEST);
    frame_hear(w, &other, &frame, PLX__FRAME_OFFER);
    ck_assert_uint_eq(frame.count, 1);
    ck_assert_uint_eq(frame.length, sizeof "web");
    peer_receive(w, &other, names, sizeof names);
    ck_assert_str_eq(names, "web");
    frame_drip(w, &other, PLX__FRAME_CONFIRM);
    turn_until(w, &old.taken, 1);
    frame_hear(w, &other, &frame, PLX__FRAME_YOURS);
    ck_assert_int_eq(peer_drain(w, &other, &rest), PLX_EEOF);
    ck_assert_uint_eq(rest, 0);
    ck_assert_uint_eq(old.refused, 0);
    peer_close(&other);
    plx_handover_close(old.handover);
}

/* It confirms before it has seen the offer, with the same bytes that end its request. */
static void frames_may_come_together(world *w)
{
    old_process old = {0};
    unsigned char bytes[2 * PLX__FRAME_BYTES];
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    frame_of(bytes, PLX__FRAME_REQUEST);
    frame_of(bytes + PLX__FRAME_BYTES, PLX__FRAME_CONFIRM);
    peer_send(w, &other, bytes, 20);
    turn_some(w);
    peer_send(w, &other, bytes + 20, sizeof bytes - 20);
    turn_until(w, &old.taken, 1);
    ck_assert_uint_eq(old.refused, 0);
    peer_close(&other);
    plx_handover_close(old.handover);
}

#ifdef __linux__
/* The socket that the old process talks with takes few bytes at once from now on. */
static void channel_narrow(const char *file)
{
    const int least = 0; /* The system raises it to what it needs (socket(7), SO_SNDBUF). */
    size_t narrowed = 0;
    for (int fd = 0; fd < 1024; fd++) {
        struct sockaddr_un name = {.sun_family = AF_UNSPEC};
        socklen_t size = sizeof name;
        if (getsockname(fd, (struct sockaddr *)(void *)&name, &size) != 0 ||
            name.sun_family != AF_UNIX || strncmp(name.sun_path, file, sizeof name.sun_path) != 0)
            continue;
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
        narrowed++;
    }
    ck_assert_uint_ge(narrowed, 2); /* The listening one, too. */
}

/* The offer does not fit the channel. The loop sends the rest when the other process has received,
 * and does not spin until then; the sockets go once. */
static void offer_that_does_not_fit_is_sent_in_pieces(world *w)
{
    enum { COUNT = 100, LENGTH = PLX__FRAME_BYTES + COUNT * PLX_SOCKET_NAME_MAX };
    old_process old = {0};
    char name[PLX_SOCKET_NAME_MAX];
    unsigned char bytes[LENGTH], request[PLX__FRAME_BYTES];
    plx_socket received[PLX__PACKED_MAX];
    plx__frame offer;
    uint32_t count = 0;
    size_t at = 0, pieces = 0;
    if (!many_open(w, &old, COUNT, name))
        return;
    peer other = peer_open(w, old.path);
    turn_some(w);
    channel_narrow(old.file);
    frame_of(request, PLX__FRAME_REQUEST);
    peer_send(w, &other, request, sizeof request);
    turn_some(w);
    const uint64_t completions = counter(w, completions), until = net_now() + patience();
    turn_some(w);
    ck_assert_uint_eq(counter(w, completions), completions);
    while (at < LENGTH) {
        ptrdiff_t got =
            plx__sockets_receive(other.socket, bytes + at, LENGTH - at, received, &count);
        ck_assert(got > 0 || got == PLX_EAGAIN);
        ck_assert_uint_lt(net_now(), until);
        pieces += got > 0;
        at += got > 0 ? (size_t)got : 0;
        turn(w);
    }
    ck_assert_uint_gt(pieces, 1);
    ck_ok(plx__frame_read(&offer, bytes));
    ck_assert_uint_eq(offer.count, COUNT);
    ck_assert_uint_eq(count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_mem_eq(bytes + PLX__FRAME_BYTES + i * sizeof name, name, sizeof name);
    frame_of(request, PLX__FRAME_CONFIRM);
    peer_send(w, &other, request, sizeof request);
    turn_until(w, &old.taken, 1);
    while (count > 0)
        plx__socket_dispose(received[--count]);
    peer_close(&other);
    plx_handover_close(old.handover);
}
#else
static void offer_that_does_not_fit_is_sent_in_pieces(world *w)
{
    (void)w; /* How much a channel takes at once is for the system to say. */
}
#endif

/* --- as it should not be ---------------------------------------------------------------------- */

/* The offer stands: the next one that asks gets the sockets. */
static void check_offers_still(world *w, old_process *old)
{
    next_process next;
    ck_assert_uint_eq(old->taken, 0);
    next_ask(w, &next, old, true);
    next_serves(w, old, &next);
}

static void expect_refusal(world *w, old_process *old, int status)
{
    turn_until(w, &old->refused, 1);
    ck_assert_msg(old->status == status, "%s", plx_error_name(old->status));
    check_offers_still(w, old);
}

static void garbage_is_refused(world *w)
{
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    old_process old = {0};
    unsigned char answer[PLX__FRAME_BYTES];
    plx__frame refusal;
    if (!old_open(w, &old, 0))
        return;
    peer stranger = peer_open(w, old.path);
    peer_send(w, &stranger, garbage, PLX__FRAME_BYTES); /* More would be a reset on Windows. */
    peer_receive(w, &stranger, answer, sizeof answer);
    ck_ok(plx__frame_read(&refusal, answer));
    ck_assert_uint_eq(refusal.kind, PLX__FRAME_REFUSAL);
    ck_assert_uint_eq(refusal.count, (uint32_t)-PLX_EVERSION);
    peer_close(&stranger);
    expect_refusal(w, &old, PLX_EVERSION);
}

/* The version is right, where it has to be, and the beginning is wrong. */
static void other_protocol_is_refused(world *w)
{
    old_process old = {0};
    const plx__frame request = {.kind = PLX__FRAME_REQUEST};
    unsigned char bytes[PLX__FRAME_BYTES];
    if (!old_open(w, &old, 0))
        return;
    plx__frame_write(&request, bytes);
    bytes[0] ^= 1;
    peer stranger = peer_open(w, old.path);
    peer_send(w, &stranger, bytes, sizeof bytes);
    turn_until(w, &old.refused, 1);
    peer_close(&stranger);
    expect_refusal(w, &old, PLX_EVERSION);
}

static void other_version_is_refused(world *w)
{
    old_process old = {0};
    unsigned char request[PLX__FRAME_BYTES];
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    frame_of(request, PLX__FRAME_REQUEST);
    request[8]++;
    peer_send(w, &other, request, sizeof request);
    turn_until(w, &old.refused, 1);
    peer_close(&other);
    expect_refusal(w, &old, PLX_EVERSION);
}

/* Frames of this version, in the wrong order. */
static void confirmation_without_request_is_refused(world *w)
{
    old_process old = {0};
    unsigned char frame[PLX__FRAME_BYTES];
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    frame_of(frame, PLX__FRAME_CONFIRM);
    peer_send(w, &other, frame, sizeof frame);
    turn_until(w, &old.refused, 1);
    peer_close(&other);
    expect_refusal(w, &old, PLX_EVERSION);
}

/* A second request instead of the confirmation; or a confirmation, and more behind it. */
static void nonsense_after_the_offer_is_refused(world *w)
{
    for (int way = 0; way < 2; way++) {
        old_process old = {0};
        unsigned char bytes[2 * PLX__FRAME_BYTES];
        plx__frame frame;
        if (!old_open(w, &old, 0))
            return;
        peer other = peer_open(w, old.path);
        frame_of(bytes, PLX__FRAME_REQUEST);
        peer_send(w, &other, bytes, PLX__FRAME_BYTES);
        frame_hear(w, &other, &frame, PLX__FRAME_OFFER);
        frame_of(bytes, way == 0 ? PLX__FRAME_REQUEST : PLX__FRAME_CONFIRM);
        frame_of(bytes + PLX__FRAME_BYTES, PLX__FRAME_CONFIRM);
        peer_send(w, &other, bytes, way == 0 ? PLX__FRAME_BYTES : sizeof bytes);
        turn_until(w, &old.refused, 1);
        peer_close(&other);
        expect_refusal(w, &old, way == 0 ? PLX_EVERSION : PLX_EEOF);
    }
}

static void offer_without_memory_is_refused(world *w)
{
    old_process old = {0};
    unsigned char request[PLX__FRAME_BYTES];
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    turn_some(w); /* The talk has begun. */
    frame_of(request, PLX__FRAME_REQUEST);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    peer_send(w, &other, request, sizeof request);
    turn_until(w, &old.refused, 1);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    peer_close(&other);
    expect_refusal(w, &old, PLX_ENOMEM);
}

/* Half a request; or all of it, and the end before the confirmation, or behind it. */
static void process_that_ends_in_the_middle_changes_nothing(world *w)
{
    for (int stage = 0; stage < 3; stage++) {
        old_process old = {0};
        unsigned char request[2 * PLX__FRAME_BYTES];
        if (!old_open(w, &old, 0))
            return;
        peer other = peer_open(w, old.path);
        frame_of(request, PLX__FRAME_REQUEST);
        frame_of(request + PLX__FRAME_BYTES, PLX__FRAME_CONFIRM);
        peer_send(w, &other, request,
                  stage == 0 ? 20 : (size_t)(stage == 1 ? 1 : 2) * PLX__FRAME_BYTES);
        if (stage == 1)
            turn_some(w);
        peer_close(&other);
        turn_until(w, &old.refused, 1);
        ck_assert_msg(old.status == PLX_EEOF || old.status == PLX_ECONNRESET ||
                          old.status == PLX_EPIPE,
                      "%s", plx_error_name(old.status));
        check_offers_still(w, &old);
    }
}

#ifdef __linux__
/* The next process confirms, and the answer cannot be sent: the old one, which has freed its path
 * for the next one by then, offers there again. (Shutting the reading side fails the send as dying
 * at that moment would.) */
static void process_that_cannot_be_answered_changes_nothing(world *w)
{
    old_process old = {0};
    unsigned char frame[PLX__FRAME_BYTES];
    char rest[256];
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    frame_of(frame, PLX__FRAME_REQUEST);
    peer_send(w, &other, frame, sizeof frame);
    peer_receive(w, &other, frame, sizeof frame);
    while (peer_try(&other, rest, sizeof rest) > 0)
        turn(w);
    ck_assert_int_eq(shutdown(other.socket, SHUT_RD), 0);
    frame_of(frame, PLX__FRAME_CONFIRM);
    peer_send(w, &other, frame, sizeof frame);
    expect_refusal(w, &old, PLX_EEOF);
    peer_close(&other);
}
#else
static void process_that_cannot_be_answered_changes_nothing(world *w)
{
    (void)w; /* On other systems a send to a side that was shut for reading may succeed. */
}
#endif

/* It gets the sockets, finds that it cannot serve, and leaves. */
static void process_that_does_not_confirm_changes_nothing(world *w)
{
    old_process old = {0};
    next_process next;
    if (!old_open(w, &old, 0))
        return;
    next_ask(w, &next, &old, false);
    ck_ok(next.status);
    ck_assert_uint_eq(plx_sockets_count(plx_takeover_sockets(next.takeover)), 1);
    turn(w);
    const uint64_t completions = counter(w, completions);
    turn_some(w); /* The old one waits for the answer, and looks for nothing else. */
    ck_assert_uint_eq(counter(w, completions), completions);
    plx_takeover_close(next.takeover);
    expect_refusal(w, &old, PLX_EEOF);
}

/* This one here, as far as the system tells. */
static void check_who_was_refused(const old_process *old)
{
    const int64_t here = (int64_t)plx__process_id();
#ifdef __linux__
    ck_assert_int_eq(old->process, here);
#else
    ck_assert(old->process == here || old->process == 0);
#endif
}

static void silent_process_is_refused_in_time(world *w)
{
    old_process old = {0};
    if (!old_open(w, &old, PLX_MILLISECOND))
        return;
    peer silent = peer_open(w, old.path);
    turn_until(w, &old.refused, 1);
    ck_assert_int_eq(old.status, PLX_ETIMEDOUT);
    check_who_was_refused(&old);
    plx_handover_close(old.handover);
    peer_close(&silent);
}

/* One at a time: the second is told, and the first continues. */
static void second_process_is_refused(world *w)
{
    old_process old = {0};
    next_process second;
    size_t count;
    if (!old_open(w, &old, 0))
        return;
    peer first = peer_open(w, old.path);
    turn_some(w);
    next_ask(w, &second, &old, true);
    ck_assert_int_eq(second.status, PLX_EBUSY);
    ck_assert_int_eq(old.status, PLX_EBUSY);
    check_who_was_refused(&old);
    peer third = peer_open(w, old.path);
    ck_assert_int_eq(peer_drain(w, &third, &count), PLX_EEOF); /* And its channel is closed. */
    ck_assert_uint_eq(count, PLX__FRAME_BYTES);
    peer_close(&third);
    peer_close(&first);
    turn_until(w, &old.refused, 3);
    old.refused = 0;
    check_offers_still(w, &old);
}

static void close_at_once(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    (void)plx_conn_close(loop, conn);
}

/* The old one ends in the middle, or is something else. */
static void asking_the_wrong_one_fails(world *w)
{
    old_process old = {0};
    next_process next = {.path = "unix:nobody.sock"};
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    plx_listener listener;
    plx_takeover *takeover = (void *)&old; /* Which is overwritten. */
    if (!old_open(w, &old, 0))
        return;
    plx_handover_close(old.handover);
    int status = plx_takeover_open(&takeover, old.path, 0);
    /* By the system: Windows says that the connection is refused. */
    ck_assert_msg(status == PLX_ENOENT || status == PLX_ECONNREFUSED, "%s", plx_error_name(status));
    ck_assert_ptr_null(takeover);
    ck_assert_int_eq(plx_takeover_open(&takeover, "tcp://127.0.0.1:1", 0), PLX_ESCHEME);
    ck_assert_int_eq(plx_takeover_open(&takeover, "nowhere", 0), PLX_EADDRESS);
    /* An echo sends the request back. */
    ck_ok(plx_listen(w->loop, &listener, old.path, &(plx_listen_options){.conn = &accepted}));
    next_ask(w, &next, &old, true);
    ck_assert_int_eq(next.status, PLX_EVERSION);
    turn_until(w, &p.closed, 1);
    p.then_data = NULL;
    p.then_open = close_at_once;
    next_ask(w, &next, &old, true);
    ck_assert_int_eq(next.status, PLX_EEOF);
    turn_until(w, &p.closed, 2);
    /* Nobody answers: the loop does not run. */
    status = plx_takeover_open(&takeover, old.path, PLX_MILLISECOND);
    ck_assert_int_eq(status, PLX_ETIMEDOUT);
    turn_some(w); /* It is accepted, if it has connected in time. */
    ck_ok(plx_listener_close(w->loop, listener));
}

/* --- strangers -------------------------------------------------------------------------------- */

enum { STRANGER = 65534 };

/* The file keeps other users out; if somebody has opened it for them, both processes look whom they
 * talk with. It takes root to be somebody else. */
static void stranger_is_refused(world *w)
{
    old_process old = {.refused = 0};
    if (!child_is_possible(w) || net_is_sim() || !old_open(w, &old, 0))
        return;
    ck_assert_int_eq(plx__test_path_mode(old.file), 0600);
    if (plx__test_path_set_mode(old.file, 0666) != 0 || !plx__test_is_root()) {
        plx_handover_close(old.handover);
        return;
    }
    peer first = peer_open(w, old.path);
    turn_some(w); /* It is refused for what it is, though there is a conversation already. */
    if (child_fork()) {
        plx_takeover *takeover;
        int become = plx__test_become(STRANGER);
        int status = plx_takeover_open(&takeover, old.path, patience());
        plx__test_report(become == 0 && status == PLX_EACCES ? CHILD_IS_GOOD : 2);
    }
    turn_until(w, &old.refused, 1);
    child_join();
    ck_assert_int_eq(old.status, PLX_EACCES);
    peer_close(&first);
    turn_until(w, &old.refused, 2);
    check_offers_still(w, &old);
}

const test_case behavior_takeover_process_cases[] = {
    CASE(next_process_gets_the_sockets),
    CASE(many_sockets_go_over),
    CASE(next_process_may_be_slow),
    CASE(frames_may_come_together),
    CASE(offer_that_does_not_fit_is_sent_in_pieces),
    CASE(garbage_is_refused),
    CASE(offer_without_memory_is_refused),
    CASE(other_protocol_is_refused),
    CASE(other_version_is_refused),
    CASE(confirmation_without_request_is_refused),
    CASE(nonsense_after_the_offer_is_refused),
    CASE(process_that_ends_in_the_middle_changes_nothing),
    CASE(process_that_cannot_be_answered_changes_nothing),
    CASE(process_that_does_not_confirm_changes_nothing),
    CASE(silent_process_is_refused_in_time),
    CASE(second_process_is_refused),
    CASE(asking_the_wrong_one_fails),
    CASE(stranger_is_refused),
    CASES_END,
};
