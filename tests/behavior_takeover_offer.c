/* tests/behavior_takeover_offer.c - the offer of sockets itself: one that cannot be made, one that
 * ends while somebody asks, and one for which memory or descriptors do not last. */
#include <stdio.h>
#include <string.h>

#include "core/handover/handover.h"
#include "platform/os.h"
#include "tests/child.h"
#include "tests/handing.h"

extern const test_case behavior_takeover_offer_cases[];

static void offers_that_cannot_be_made(world *w)
{
    old_process old = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_handover *handover = (void *)&old; /* Which is overwritten. */
    plx_handover_options options = {.on_taken = old_on_taken};
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "unix:x.sock", &options), PLX_EINVAL);
    ck_assert_ptr_null(handover);
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "tcp:x", &options), PLX_EINVAL);
    if (!old_open(w, &old, 0))
        return;
    options.sockets = list_of(socket_listening(address));
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, address, &options), PLX_ESCHEME);
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "unix/x", &options), PLX_ESCHEME);
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, old.path, &options), PLX_EADDRINUSE);
    /* The text is as long as its memory. Windows does not say that there is no such directory. */
    ck_assert_int_ne(plx_handover_open(&handover, w->loop, "unix:no-such-directory/x", &options),
                     0);
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
    const plx_socket taken = plx_sockets_take(options.sockets, 0);
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "unix:x.sock", &options), PLX_EINVAL);
    plx_sockets_close(options.sockets);
    ck_ok(plx_sockets_open(&options.sockets));
    ck_ok(plx_sockets_add(options.sockets, "web", taken));
    options.on_taken = NULL;
    ck_assert_int_eq(plx_handover_open(&handover, w->loop, "unix:x.sock", &options), PLX_EINVAL);
    ck_assert_ptr_null(handover);
    options.on_taken = old_on_taken;
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

/* Counts the connections that look like the program's own. */
static int visit(plx_loop *loop, plx_conn conn, void *data)
{
    *(size_t *)data += plx_conn_is_open(loop, conn) || plx_conn_data(loop, conn) != NULL;
    return 0;
}

/* Nobody need be told whom it has refused, none of its connections is the program's, and a loop
 * that takes no bytes to send refuses all the same. */
static void refusals_need_no_callback(world *w)
{
    old_process old = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t dropped, own = 0;
    world_reopen(w, (plx_loop_options){.queued_bytes_max = 1});
    if (!old_open(w, &old, 0))
        return;
    plx_handover_close(old.handover);
    const plx_handover_options options = {
        .sockets = list_of(socket_listening(address)), .on_taken = old_on_taken, .data = &old};
    ck_ok(plx_handover_open(&old.handover, w->loop, old.path, &options));
    peer stranger = peer_open(w, old.path);
    peer_send(w, &stranger, "garbage that is as long as a frame", PLX__FRAME_BYTES);
    (void)peer_drain(w, &stranger, &dropped);
    ck_assert_uint_eq(dropped, PLX__FRAME_BYTES);
    ck_ok(plx_loop_each_conn(w->loop, visit, &own));
    ck_assert_uint_eq(own, 0);
    peer_close(&stranger);
    plx_handover_close(old.handover);
}

/* In the callback, and with a talk that has begun. */
static void offer_closes_in_the_middle(world *w)
{
    old_process old = {.closes = true};
    if (!old_open(w, &old, 0))
        return;
    peer other = peer_open(w, old.path);
    peer_send(w, &other, "garbage that is as long as a frame", PLX__FRAME_BYTES);
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

/* Its sockets are the next process's: the loop may close, and then what is left of the offer. */
static void offer_that_is_over_needs_no_loop(world *w)
{
    old_process old = {0};
    next_process next;
    if (!old_open(w, &old, 0))
        return;
    next_ask(w, &next, &old, true);
    ck_assert_uint_eq(old.taken, 1);
    world_reopen(w, (plx_loop_options){0});
    plx_handover_close(old.handover);
    plx_takeover_close(next.takeover);
}

/* The time of a conversation ends with it, and the next one has its own. */
static void conversation_that_is_over_has_no_time_left(world *w)
{
    const uint64_t timeout_ns = 20 * PLX_MILLISECOND;
    old_process old = {0};
    if (!old_open(w, &old, timeout_ns))
        return;
    peer other = peer_open(w, old.path);
    peer_send(w, &other, "garbage that is as long as a frame", PLX__FRAME_BYTES);
    turn_until(w, &old.refused, 1);
    turn_for(w, timeout_ns);
    turn_some(w);
    ck_assert_uint_eq(old.refused, 1);
    peer_close(&other);
    plx_handover_close(old.handover);
}

/* Lacks memory when somebody connects, who is refused for that or for what comes of it then.
 * Nothing is left of the conversation: no time, and nobody is told twice. */
static uint32_t refuse_for_want(world *w, uint32_t first, bool is_silent)
{
    const uint64_t timeout_ns = is_silent ? 20 * PLX_MILLISECOND : 0;
    const int reason = is_silent ? PLX_ETIMEDOUT : PLX_EVERSION;
    old_process old = {0};
    world_reopen(w, (plx_loop_options){0}); /* It has reserved nothing yet. */
    if (!old_open(w, &old, timeout_ns))
        return 0;
    turn_some(w);
    plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
    peer other = peer_open(w, old.path);
    if (!is_silent)
        (void)net_send(other.socket, "garbage that is as long as a frame", PLX__FRAME_BYTES);
    turn_until(w, &old.refused, 1);
    uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
    ck_assert_msg(old.status == reason || (struck > 0 && old.status == PLX_ENOMEM), "%s",
                  plx_error_name(old.status));
    turn_for(w, 20 * PLX_MILLISECOND);
    turn_some(w);
    ck_assert_uint_eq(old.refused, 1);
    peer_close(&other);
    plx_handover_close(old.handover);
    return struck;
}

static void conversation_that_cannot_begin_is_refused_once(world *w)
{
    for (int way = 0; way < 2; way++) {
        uint32_t first = 0;
        while (refuse_for_want(w, first, way == 0) > 0)
            ck_assert_uint_lt(++first, 100);
    }
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
                const int lacking = k == 0 ? PLX_ENOMEM : PLX_EMFILE;
                uint64_t until = net_now() + patience();
                ck_assert(has_struck);
                ck_assert_msg(next.status == 0 || next.status == lacking, "%s",
                              plx_error_name(next.status));
                plx_takeover_close(next.takeover);
                do /* The old process may not have noticed yet that the first one has closed. */
                    next_ask(w, &next, &old, true);
                while (next.status == PLX_EBUSY && net_now() < until);
            }
            next_serves(w, &old, &next);
        }
    }
}

const test_case behavior_takeover_offer_cases[] = {
    CASE(offers_that_cannot_be_made),
    CASE(refusals_need_no_callback),
    CASE(offer_closes_in_the_middle),
    CASE(offer_that_is_over_needs_no_loop),
    CASE(want_on_the_way_loses_nothing),
    CASE(conversation_that_is_over_has_no_time_left),
    CASE(conversation_that_cannot_begin_is_refused_once),
    CASE(packed_socket_is_unpacked),
    CASES_END,
};
