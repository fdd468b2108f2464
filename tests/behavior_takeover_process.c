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

/* As many as go into one message, with names as long as they may be. */
static void many_sockets_go_over(world *w)
{
    old_process old = {0};
    next_process next;
    char name[PLX_SOCKET_NAME_MAX] = {0};
    if (!old_open(w, &old, 0))
        return;
    memset(name, 'n', sizeof name - 1);
    plx_handover_close(old.handover);
    plx_socket first = socket_listening(old.address);
    plx_sockets *offered;
    ck_ok(plx_sockets_open(&offered));
    for (uint32_t i = 0; i < PLX_SOCKETS_MAX; i++) {
        plx_socket socket;
        ck_ok(plx_socket_duplicate(first, &socket));
        ck_ok(plx_sockets_add(offered, name, socket));
    }
    net_close(first);
    ck_ok(plx_handover_open(
        &old.handover, w->loop, old.path,
        &(plx_handover_options){.sockets = offered, .on_taken = old_on_taken, .data = &old}));
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

static void frame_of(unsigned char *bytes, enum plx__frame_kind kind)
{
    plx__frame_write(&(plx__frame){.kind = (uint32_t)kind, .process = plx__process_id()}, bytes);
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
    peer_send(w, &stranger, garbage, sizeof garbage);
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

static void silent_process_is_refused_in_time(world *w)
{
    old_process old = {0};
    if (!old_open(w, &old, PLX_MILLISECOND))
        return;
    peer silent = peer_open(w, old.path);
    turn_until(w, &old.refused, 1);
    ck_assert_int_eq(old.status, PLX_ETIMEDOUT);
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
    plx_takeover *takeover;
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

/* What an old process sends that offers badly. */
typedef struct bad_offer {
    uint32_t count, length;
    plx_socket given, channel;
    plx_listener listener;
} bad_offer;

static enum plx_accept_verdict offer_badly(plx_loop *loop, plx_listener listener, void *data,
                                           plx_socket socket, const void *received, size_t length)
{
    bad_offer *bad = data;
    const plx__frame frame = {.kind = PLX__FRAME_OFFER,
                              .count = bad->count,
                              .length = bad->length,
                              .process = plx__process_id()};
    unsigned char bytes[PLX__FRAME_BYTES + sizeof "web" + PLX__PACKED_BYTES];
    unsigned char *name = bytes + PLX__FRAME_BYTES;
    const size_t named = bad->length == sizeof "web" ? sizeof "web" : 3; /* Without the zero. */
    (void)loop;
    (void)listener;
    (void)received;
    (void)length;
    plx__frame_write(&frame, bytes);
    memcpy(name, "web", sizeof "web");
    ck_ok(plx__sockets_pack(&bad->given, 1, plx__process_id(), name + named));
    const size_t sent = PLX__FRAME_BYTES + named + PLX__PACKED_BYTES;
    ck_assert_int_eq(plx__sockets_send(socket, bytes, sent, &bad->given, 1), (ptrdiff_t)sent);
    bad->channel = socket;
    return PLX_ACCEPT_TAKEN;
}

/* It offers at `old->path`. False where it cannot. */
static bool bad_offer_open(world *w, bad_offer *offer, old_process *old)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    if (!old_open(w, old, 0))
        return false;
    plx_handover_close(old->handover);
    offer->given = socket_listening(address);
    ck_ok(plx_listen(w->loop, &offer->listener, old->path,
                     &(plx_listen_options){.on_accept = offer_badly, .data = offer}));
    return true;
}

static void bad_offer_close(world *w, const bad_offer *offer)
{
    plx_socket_close(offer->channel);
    net_close(offer->given);
    ck_ok(plx_listener_close(w->loop, offer->listener));
}

/* A name that does not end; more sockets, or longer names, than there can be. */
static void bad_offers_are_refused(world *w)
{
    static const uint32_t bad[][2] = {{1, 3},
                                      {PLX_SOCKETS_MAX + 1, 3},
                                      {(1u << 24) + 1, sizeof "web"},
                                      {1, PLX_SOCKETS_MAX * PLX_SOCKET_NAME_MAX + 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        old_process old = {0};
        next_process next;
        bad_offer offer = {.count = bad[i][0], .length = bad[i][1]};
        if (!bad_offer_open(w, &offer, &old))
            return;
        next_ask(w, &next, &old, true);
        ck_assert_int_eq(next.status, PLX_EVERSION);
        bad_offer_close(w, &offer);
    }
}

/* It never says that the path is free: whoever confirms waits for that. */
static void confirmation_is_awaited(world *w)
{
    old_process old = {0};
    next_process next;
    bad_offer offer = {.count = 1, .length = sizeof "web"};
    if (!bad_offer_open(w, &offer, &old))
        return;
    next_ask(w, &next, &old, false);
    ck_ok(next.status);
    ck_assert_int_eq(plx_takeover_confirm(next.takeover, PLX_MILLISECOND), PLX_ETIMEDOUT);
    plx_takeover_close(next.takeover);
    bad_offer_close(w, &offer);
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
    if (child_fork()) {
        plx_takeover *takeover;
        int become = plx__test_become(STRANGER);
        int status = plx_takeover_open(&takeover, old.path, patience());
        plx__test_report(become == 0 && status == PLX_EACCES ? CHILD_IS_GOOD : 2);
    }
    turn_until(w, &old.refused, 1);
    child_join();
    expect_refusal(w, &old, PLX_EACCES);
}

const test_case behavior_takeover_process_cases[] = {
    CASE(next_process_gets_the_sockets),
    CASE(many_sockets_go_over),
    CASE(garbage_is_refused),
    CASE(offer_without_memory_is_refused),
    CASE(other_protocol_is_refused),
    CASE(other_version_is_refused),
    CASE(confirmation_without_request_is_refused),
    CASE(process_that_ends_in_the_middle_changes_nothing),
    CASE(process_that_cannot_be_answered_changes_nothing),
    CASE(process_that_does_not_confirm_changes_nothing),
    CASE(silent_process_is_refused_in_time),
    CASE(second_process_is_refused),
    CASE(asking_the_wrong_one_fails),
    CASE(bad_offers_are_refused),
    CASE(confirmation_is_awaited),
    CASE(stranger_is_refused),
    CASES_END,
};
