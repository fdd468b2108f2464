/* tests/behavior_takeover_process.c - a process hands its listening sockets to the next one, and
 * what it does when that one is a stranger, talks nonsense or ends in the middle: it serves on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/handover/handover.h"
#include "platform/os.h"
#include "tests/child.h"

extern const test_case behavior_takeover_process_cases[];

/* The process that has the sockets, which is the case. */
typedef struct old_process {
    plx_handover *handover;
    char file[64], path[80]; /* Of the conversation. */
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t taken, refused;
    int status;  /* Of the last refusal. */
    bool closes; /* The offer, in the callback. */
} old_process;

static void on_taken(plx_loop *loop, plx_handover *handover, void *data)
{
    old_process *old = data;
    (void)loop;
    old->taken++;
    if (old->closes)
        plx_handover_close(handover);
}

static void on_refused(plx_loop *loop, plx_handover *handover, void *data, int status,
                       int64_t process)
{
    old_process *old = data;
    (void)loop;
    (void)process;
    old->refused++;
    old->status = status;
    if (old->closes)
        plx_handover_close(handover);
}

/* The socket is the list's, which does not count it. */
static plx_sockets *list_of(plx_socket socket)
{
    plx_sockets *sockets;
    net_disown(socket);
    ck_ok(plx_sockets_open(&sockets));
    ck_ok(plx_sockets_add(sockets, "web", socket));
    return sockets;
}

/* False where there can be none, with the code for that. */
static bool old_open(world *w, old_process *old, uint64_t timeout_ns)
{
    plx_socket socket = socket_listening(old->address);
    plx_sockets *sockets = list_of(socket);
    const plx_handover_options options = {.sockets = sockets,
                                          .on_taken = on_taken,
                                          .on_refused = on_refused,
                                          .data = old,
                                          .timeout_ns = timeout_ns};
    (void)snprintf(old->file, sizeof old->file, "take-%llx.sock",
                   (unsigned long long)plx__clock_now());
    (void)snprintf(old->path, sizeof old->path, "unix:%s", old->file);
    int status = plx_handover_open(&old->handover, w->loop, old->path, &options);
    if (status == 0)
        return true;
    ck_assert_ptr_null(old->handover);
    ck_assert_msg(net_is_sim() ? status == PLX_ENOSYS : status == PLX_EAFNOSUPPORT, "%s",
                  plx_error_name(status));
    plx_sockets_close(sockets);
    return false;
}

/* The process that gets them, which is a thread here. */
typedef struct next_process {
    const char *path;
    plx_takeover *takeover;
    plx__thread thread;
    plx__atomic_u32 is_done;
    bool confirms;
    int status, confirmed;
} next_process;

static void next_run(void *data)
{
    next_process *next = data;
    next->status = plx_takeover_open(&next->takeover, next->path, patience());
    if (next->status == 0 && next->confirms)
        next->confirmed = plx_takeover_confirm(next->takeover, patience());
    plx__atomic_store(&next->is_done, 1);
}

static bool is_done(void *data)
{
    next_process *next = data;
    return plx__atomic_load(&next->is_done) != 0;
}

/* Until it has asked, and has confirmed or not. */
static void next_ask(world *w, next_process *next, const old_process *old, bool confirms)
{
    *next = (next_process){.path = old->path, .confirms = confirms};
    ck_ok(plx__thread_start(&next->thread, next_run, next));
    turn_until_true(w, is_done, next);
    plx__thread_join(&next->thread);
}

/* With the socket clients are served, by this loop: one that connects now, and one that has waited.
 */
static void check_serves(world *w, const char *address, plx_socket socket, peer *early)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted};
    plx_listener listener;
    char byte = 0;
    ck_ok(plx_listen_adopt(w->loop, &listener, socket, &options));
    peer client = peer_open(w, address);
    peer_send(w, &client, "x", 1);
    peer_receive(w, &client, &byte, 1);
    ck_assert_int_eq(byte, 'x');
    peer_close(&client);
    if (early != NULL) {
        peer_send(w, early, "y", 1);
        peer_receive(w, early, &byte, 1);
        ck_assert_int_eq(byte, 'y');
        peer_close(early);
    }
    turn_until(w, &p.closed, early != NULL ? 2 : 1);
    ck_ok(plx_listener_close(w->loop, listener));
}

static bool is_there(const char *file)
{
    return plx__test_path_mode(file) >= 0;
}

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
        &(plx_handover_options){.sockets = offered, .on_taken = on_taken, .data = &old}));
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

/* The next process has got the only socket, and clients are served with it. */
static void next_serves(world *w, old_process *old, next_process *next)
{
    ck_ok(next->status);
    ck_ok(next->confirmed);
    turn_until(w, &old->taken, 1);
    plx_socket socket = plx_sockets_take(plx_takeover_sockets(next->takeover), 0);
    plx_takeover_close(next->takeover);
    plx_handover_close(old->handover);
    check_serves(w, old->address, socket, NULL);
}

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
    if (!old_open(w, &old, 0))
        return;
    peer first = peer_open(w, old.path);
    turn_some(w);
    next_ask(w, &second, &old, true);
    ck_assert_int_eq(second.status, PLX_EBUSY);
    ck_assert_int_eq(old.status, PLX_EBUSY);
    peer_close(&first);
    turn_until(w, &old.refused, 2);
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

/* --- the offer itself ------------------------------------------------------------------------- */

static void offers_that_cannot_be_made(world *w)
{
    old_process old = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_handover *handover;
    if (!old_open(w, &old, 0))
        return;
    plx_handover_options options = {.on_taken = on_taken};
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "unix:x.sock", &options), PLX_EINVAL);
    options.sockets = list_of(socket_listening(address));
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, address, &options), PLX_ESCHEME);
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, old.path, &options), PLX_EADDRINUSE);
    struct {
        plx_handover_options options;
        unsigned char tail[8];
    } newer = {.options = options, .tail = {1}}; /* Of callers with another header. */
    ck_assert_int_eq(plx_handover_open_sized(&handover, w->loop, old.path, &newer.options,
                                             offsetof(plx_handover_options, timeout_ns)),
                     PLX_EADDRINUSE);
    ck_assert_int_eq(
        plx_handover_open_sized(&handover, w->loop, "unix:x.sock", &newer.options, sizeof newer),
        PLX_EINVAL);
    options.on_taken = NULL;
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "unix:x.sock", &options), PLX_EINVAL);
    ck_assert_ptr_null(handover);
    options.on_taken = on_taken;
    int status = PLX_ENOMEM;
    for (uint32_t first = 0; status == PLX_ENOMEM; first++) { /* Each allocation fails once. */
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        status = plx_handover_open(&handover, w->loop, old.path, &options);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), status == PLX_ENOMEM);
        ck_assert_ptr_null(handover);
    }
    ck_assert_int_eq(status, PLX_EADDRINUSE);
    plx_sockets_close(options.sockets);
    ck_ok(plx_loop_run(w->loop)); /* The offer does not keep it running. */
    plx_handover_close(old.handover);
    ck_assert(!is_there(old.file));
    plx_handover_close(NULL);
    plx_takeover_close(NULL);
}

/* In the callback, and with a talk that has begun. */
static void offer_closes_in_the_middle(world *w)
{
    old_process old = {.closes = true};
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    peer_send(w, &other, "garbage that is as long as a frame", 34);
    turn_until(w, &old.refused, 1);
    ck_assert(!is_there(old.file));
    peer_close(&other);
    old = (old_process){.closes = false};
    (void)old_open(w, &old, 0);
    other = peer_open(w, old.path);
    turn_some(w);
    plx_handover_close(old.handover);
    ck_assert_int_eq(peer_drain(w, &other, &(size_t){0}), PLX_EEOF);
    peer_close(&other);
}

/* A packed socket is one of the process that it was packed for: of this one here. */
static void packed_socket_is_unpacked(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    unsigned char bytes[PLX__PACKED_BYTES + 1] = {0};
    plx_socket unpacked = PLX_SOCKET_NONE;
    uint32_t count = 0;
    if (net_is_sim())
        return;
    plx_socket socket = socket_listening(address);
    ck_ok(plx__sockets_pack(&socket, 1, plx__process_id(), bytes));
    int status = plx__sockets_unpack(bytes, &unpacked, &count, 1);
    if (PLX__PACKED_BYTES == 0) { /* The system would have carried it. */
        ck_assert_int_eq(status, PLX_EINVAL);
        net_close(socket);
        return;
    }
    ck_ok(status);
    ck_assert_uint_eq(count, 1);
    net_close(socket);
    check_serves(w, address, unpacked, NULL);
}

/* Every allocation and every descriptor fails once, in either process: the next process gets the
 * sockets, or the old one still offers them. */
static void want_on_the_way_loses_nothing(world *w)
{
    static const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    for (size_t k = 0; k < 2; k++) {
        bool has_struck = true;
        for (uint32_t first = 0; has_struck; first++) {
            old_process old = {0};
            next_process next;
            ck_assert_uint_lt(first, 200);
            if (!old_open(w, &old, 0))
                return;
            plx__fault_arm(kinds[k], first + (k == 0), 1); /* The thread takes memory, too. */
            next_ask(w, &next, &old, true);
            has_struck = plx__fault_disarm(kinds[k]) > 0;
            if (next.status != 0 || next.confirmed != 0) {
                uint64_t until = net_now() + patience();
                ck_assert(has_struck);
                plx_takeover_close(next.takeover);
                do /* The old process may not have noticed yet that the first one has closed. */
                    next_ask(w, &next, &old, true);
                while (next.status == PLX_EBUSY && net_now() < until);
            }
            next_serves(w, &old, &next);
        }
    }
}

const test_case behavior_takeover_process_cases[] = {
    CASE(next_process_gets_the_sockets),
    CASE(many_sockets_go_over),
    CASE(garbage_is_refused),
    CASE(offer_without_memory_is_refused),
    CASE(other_version_is_refused),
    CASE(confirmation_without_request_is_refused),
    CASE(process_that_ends_in_the_middle_changes_nothing),
    CASE(process_that_cannot_be_answered_changes_nothing),
    CASE(process_that_does_not_confirm_changes_nothing),
    CASE(silent_process_is_refused_in_time),
    CASE(second_process_is_refused),
    CASE(asking_the_wrong_one_fails),
    CASE(stranger_is_refused),
    CASE(offers_that_cannot_be_made),
    CASE(offer_closes_in_the_middle),
    CASE(want_on_the_way_loses_nothing),
    CASE(packed_socket_is_unpacked),
    CASES_END,
};
