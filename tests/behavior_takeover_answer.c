/* tests/behavior_takeover_answer.c - a process asks for listening sockets, and the one that answers
 * is slow, refuses, offers nonsense, ends in the middle or is a stranger. */
#include <stdio.h>
#include <string.h>

#include "core/handover/handover.h"
#include "platform/os.h"
#include "tests/child.h"
#include "tests/handing.h"
#include "tests/hosted.h"

extern const test_case behavior_takeover_answer_cases[];

/* --- an old process of which each byte is the case's --------------------------------------------
 */

enum { SOCKETS = 2, NAMED_MAX = 64 };

/* What it answers, behind which it says that its path is free. */
typedef struct answer {
    plx__frame frame; /* An offer, if its kind is 0. */
    const char *names;
    size_t names_length;
    uint32_t given;  /* How many sockets go with it. */
    size_t piece;    /* The most bytes that are sent at once, */
    size_t cut;      /* and of all. Then the channel is closed. */
    bool is_reset;   /* As a system closes it that has bytes nobody has received. */
    bool is_endless; /* Or the last one is sent again and again. */

    plx_socket sockets[SOCKETS];
    char addresses[SOCKETS][PLX_ADDRESS_TEXT_MAX];
    old_process old; /* Has the path. */
    plx_listener listener;
    plx_socket channel;
    size_t asked; /* 1 when somebody has. */
    unsigned char bytes[2 * PLX__FRAME_BYTES + NAMED_MAX + SOCKETS * PLX__PACKED_BYTES];
    size_t length, sent;
} answer;

/* The name of one socket, with its zero. */
#define WEB .names = "web", .names_length = sizeof "web"
#define ALL SIZE_MAX

static void answer_write(answer *a)
{
    const plx__frame yours = {.kind = PLX__FRAME_YOURS, .process = plx__process_id()};
    unsigned char *names = a->bytes + PLX__FRAME_BYTES;
    unsigned char *packed = names + a->names_length;
    unsigned char *end = packed + (size_t)a->given * PLX__PACKED_BYTES;
    if (a->frame.kind == 0)
        a->frame.kind = PLX__FRAME_OFFER;
    a->frame.process = plx__process_id();
    ck_assert_uint_le(a->names_length, NAMED_MAX);
    plx__frame_write(&a->frame, a->bytes);
    if (a->names_length > 0)
        memcpy(names, a->names, a->names_length);
    ck_ok(plx__sockets_pack(a->sockets, a->given, plx__process_id(), packed));
    plx__frame_write(&yours, end);
    a->length = (size_t)(end - a->bytes) + PLX__FRAME_BYTES;
    if (a->cut != 0 && a->cut < a->length)
        a->length = a->cut;
}

/* Sends the next piece; the sockets go with the first one. What asks may have gone. */
static void answer_send(answer *a)
{
    const uint32_t count = a->sent == 0 ? a->given : 0;
    size_t left = a->length - a->sent;
    if (left == 0 && !a->is_endless)
        return;
    const unsigned char *next = left > 0 ? a->bytes + a->sent : a->bytes + a->length - 1;
    const size_t most = left > 0 ? left : 1;
    ptrdiff_t sent =
        plx__sockets_send(a->channel, next, a->piece < most ? a->piece : most, a->sockets, count);
    if (sent > 0 && left > 0)
        a->sent += (size_t)sent;
}

static enum plx_accept_verdict on_asked(plx_loop *loop, plx_listener listener, void *data,
                                        plx_socket socket, const void *received, size_t length)
{
    answer *a = data;
    (void)loop;
    (void)listener;
    (void)received;
    (void)length;
    a->channel = socket;
    a->asked++;
    return PLX_ACCEPT_TAKEN;
}

/* False where no offer is possible. */
static bool answer_open(world *w, answer *a)
{
    if (!old_open(w, &a->old, 0))
        return false;
    plx_handover_close(a->old.handover);
    a->channel = PLX_SOCKET_NONE;
    for (size_t i = 0; i < SOCKETS; i++)
        a->sockets[i] = socket_listening(a->addresses[i]);
    answer_write(a);
    ck_ok(plx_listen(w->loop, &a->listener, a->old.path,
                     &(plx_listen_options){.on_accept = on_asked, .data = a}));
    return true;
}

static void answer_cut(world *w, answer *a)
{
    unsigned char request[PLX__FRAME_BYTES];
    peer other = {.socket = a->channel};
    if (!a->is_reset)
        peer_receive(w, &other, request, sizeof request);
    plx_socket_close(a->channel);
    a->channel = PLX_SOCKET_NONE;
}

/* Until the next process has what it waits for. */
static void answer_give(world *w, answer *a, next_process *next)
{
    const uint64_t until = net_now() + patience();
    turn_until(w, &a->asked, 1);
    while (!next_is_done(next) && a->channel != PLX_SOCKET_NONE) {
        ck_assert_uint_lt(net_now(), until);
        answer_send(a);
        turn(w);
        if (a->cut != 0 && a->sent == a->length)
            answer_cut(w, a);
    }
    next_await(w, next);
}

static void answer_close(world *w, const answer *a)
{
    plx_socket_close(a->channel);
    for (size_t i = 0; i < SOCKETS; i++)
        net_close(a->sockets[i]);
    ck_ok(plx_listener_close(w->loop, a->listener));
}

/* What the next process comes to that asks. False where there is no answer. */
static bool answered(world *w, answer *a, int expected)
{
    next_process next;
    if (!answer_open(w, a))
        return false;
    next_start(&next, a->old.path, patience(), true);
    answer_give(w, a, &next);
    ck_assert_msg(next.status == expected, "%s", plx_error_name(next.status));
    ck_assert_ptr_null(next.takeover);
    answer_close(w, a);
    /* It has left none of its copies open. (On Windows one that was packed and not unpacked is open
     * in the process that it was packed for.) */
    for (size_t i = 0; PLX__PACKED_BYTES == 0 && i < SOCKETS; i++)
        hosted_until_refused(w, a->addresses[i]);
    world_reopen(w, (plx_loop_options){0});
    return true;
}

/* --- as it should be -------------------------------------------------------------------------- */

/* In one piece, and byte by byte: each socket has its own name. */
static void offer_may_come_in_any_pieces(world *w)
{
    for (int way = 0; way < 2; way++) {
        static const char names[] = "web\0admin";
        answer a = {.frame = {.count = 2, .length = sizeof names},
                    .names = names,
                    .names_length = sizeof names,
                    .given = 2,
                    .piece = way == 0 ? ALL : 1};
        next_process next;
        char address[PLX_ADDRESS_TEXT_MAX];
        if (!answer_open(w, &a))
            return;
        next_start(&next, a.old.path, patience(), true);
        answer_give(w, &a, &next);
        ck_ok(next.status);
        ck_ok(next.confirmed);
        const plx_sockets *sockets = plx_takeover_sockets(next.takeover);
        ck_assert_uint_eq(plx_sockets_count(sockets), 2);
        ck_assert_str_eq(plx_sockets_name(sockets, 0), "web");
        ck_assert_str_eq(plx_sockets_name(sockets, 1), "admin");
        for (uint32_t i = 0; i < 2; i++) {
            ck_ok(plx_socket_local(plx_sockets_at(sockets, i), address, sizeof address));
            ck_assert_str_eq(address, a.addresses[i]);
        }
        plx_takeover_close(next.takeover);
        answer_close(w, &a);
    }
}

/* It never says that the path is free. Whoever confirms waits for that as long as it wants to, also
 * if it would have waited for ever for the offer. */
static void confirmation_is_awaited(world *w)
{
    answer a = {.frame = {.count = 1, .length = sizeof "web"}, WEB, .given = 1, .piece = ALL};
    next_process next;
    if (!answer_open(w, &a))
        return;
    a.length -= PLX__FRAME_BYTES;
    next_start(&next, a.old.path, PLX_FOREVER, false);
    answer_give(w, &a, &next);
    ck_ok(next.status);
    ck_assert_int_eq(plx_takeover_confirm(next.takeover, PLX_MILLISECOND), PLX_ETIMEDOUT);
    plx_takeover_close(next.takeover);
    answer_close(w, &a);
}

/* The old process has ended behind its offer: nobody is left who could serve. */
static void confirmation_to_an_ended_process_succeeds(world *w)
{
    answer a = {.frame = {.count = 1, .length = sizeof "web"}, WEB, .given = 1, .piece = ALL};
    next_process next;
    if (!answer_open(w, &a))
        return;
    a.length -= PLX__FRAME_BYTES;
    next_start(&next, a.old.path, patience(), false);
    answer_give(w, &a, &next);
    ck_ok(next.status);
    answer_cut(w, &a);
    ck_ok(plx_takeover_confirm(next.takeover, patience()));
    plx_takeover_close(next.takeover);
    answer_close(w, &a);
}

/* The old process has waited for the confirmation for as long as it may, and serves on. Then the
 * next one confirms: at once, or when the old one has given up hearing of it. */
static void confirmation_that_is_late_is_refused(world *w)
{
    for (uint64_t late_ms = 0; late_ms < 2000; late_ms += 1200) {
        old_process old = {0};
        next_process next;
        if (!old_open(w, &old, 100 * PLX_MILLISECOND))
            return;
        do { /* The machine may be so busy that the offer is late, too. */
            old.refused = 0;
            next_ask(w, &next, &old, false);
            turn_until(w, &old.refused, 1);
            ck_assert(next.status == 0 || next.status == PLX_ETIMEDOUT);
        } while (next.status != 0);
        ck_assert_int_eq(old.status, PLX_ETIMEDOUT);
        turn_for(w, late_ms * PLX_MILLISECOND);
        ck_assert_int_eq(plx_takeover_confirm(next.takeover, patience()), PLX_ETIMEDOUT);
        ck_assert_uint_eq(old.taken, 0);
        plx_takeover_close(next.takeover);
        plx_handover_close(old.handover);
    }
}

/* --- as it should not be ---------------------------------------------------------------------- */

/* A name that does not end, or that is none; fewer names than sockets; more sockets, or longer
 * names, than there can be; and, where the system carries them, others than the offer has counted.
 */
static void bad_offers_are_refused(world *w)
{
    static const struct {
        uint32_t count, length, names_length, given;
    } bad[] = {
        {1, 3, 3, 1},
        {1, 0, 0, 1},
        {1, sizeof "web\n", sizeof "web\n", 1},
        {2, sizeof "web", sizeof "web", 2},
        {PLX_SOCKETS_MAX + 1, sizeof "web", sizeof "web", 1},
        {(1u << 24) + 1, sizeof "web", sizeof "web", 1},
        {1, PLX_SOCKETS_MAX * PLX_SOCKET_NAME_MAX + 1, sizeof "web", 1},
        {0, sizeof "web", sizeof "web", 1}, /* From here on the system carries them. */
        {1, sizeof "web", sizeof "web", 2},
        {2, sizeof "web", sizeof "web", 1},
    };
    const size_t all = sizeof bad / sizeof bad[0];
    for (size_t i = 0; i < (PLX__PACKED_BYTES == 0 ? all : all - 3); i++) {
        answer a = {.frame = {.count = bad[i].count, .length = bad[i].length},
                    .names = bad[i].length == sizeof "web\n" ? "web\n" : "web",
                    .names_length = bad[i].names_length,
                    .given = bad[i].given,
                    .piece = ALL};
        if (!answered(w, &a, PLX_EVERSION))
            return;
    }
}

/* A refusal is told as it was meant, if it is one that this process knows. */
static void refusals_have_their_codes(world *w)
{
    static const int codes[][2] = {
        {PLX_EACCES, PLX_EACCES}, {PLX_EBUSY, PLX_EBUSY},    {PLX_ETIMEDOUT, PLX_ETIMEDOUT},
        {PLX_ENOMEM, PLX_ENOMEM}, {PLX_EMFILE, PLX_EMFILE},  {PLX_EVERSION, PLX_EVERSION},
        {0, PLX_EVERSION},        {-0xFFFFFF, PLX_EVERSION},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        answer a = {.frame = {.kind = PLX__FRAME_REFUSAL, .count = (uint32_t)-codes[i][0]},
                    .piece = ALL};
        if (!answered(w, &a, codes[i][1]))
            return;
    }
}

/* Before its answer, in its first frame, or in the names: the end, or a reset. */
static void old_process_that_ends_in_the_middle(world *w)
{
    static const size_t cuts[] = {1, PLX__FRAME_BYTES - 1, PLX__FRAME_BYTES, PLX__FRAME_BYTES + 3};
    const size_t count = sizeof cuts / sizeof cuts[0];
    for (size_t i = 0; i < 2 * count; i++) {
        answer a = {.frame = {.count = 1, .length = sizeof "web"},
                    WEB,
                    .given = 1,
                    .piece = ALL,
                    .cut = cuts[i % count],
                    .is_reset = i >= count};
        if (!answered(w, &a, PLX_EEOF))
            return;
    }
}

/* One byte after the other, and no end of the names: that does not put off the time. */
static void offer_that_does_not_end_times_out(world *w)
{
    answer a = {.frame = {.count = 1, .length = PLX_SOCKETS_MAX * PLX_SOCKET_NAME_MAX},
                .names = "n",
                .names_length = 1,
                .given = 1,
                .piece = 1,
                .is_endless = true};
    next_process next;
    if (!answer_open(w, &a))
        return;
    a.length = PLX__FRAME_BYTES + 1;
    next_start(&next, a.old.path, 50 * PLX_MILLISECOND, true);
    answer_give(w, &a, &next);
    ck_assert_int_eq(next.status, PLX_ETIMEDOUT);
    answer_close(w, &a);
}

/* Whoever asks looks whom it gets its sockets from. It takes root to be somebody else. */
static void stranger_gets_no_answer(world *w)
{
    answer a = {.frame = {.count = 1, .length = sizeof "web"}, WEB, .given = 1, .piece = ALL};
    if (!child_is_possible(w) || net_is_sim() || !plx__test_is_root() || !answer_open(w, &a))
        return;
    ck_ok(plx__test_path_set_mode(a.old.file, 0666));
    if (child_fork()) {
        plx_takeover *takeover;
        int become = plx__test_become(65534);
        int status = plx_takeover_open(&takeover, a.old.path, patience());
        plx__test_report(become == 0 && status == PLX_EACCES ? CHILD_IS_GOOD : 2);
    }
    turn_until(w, &a.asked, 1);
    answer_send(&a);
    child_join();
    answer_close(w, &a);
}

const test_case behavior_takeover_answer_cases[] = {
    CASE(offer_may_come_in_any_pieces),
    CASE(confirmation_is_awaited),
    CASE(confirmation_to_an_ended_process_succeeds),
    CASE(confirmation_that_is_late_is_refused),
    CASE(bad_offers_are_refused),
    CASE(refusals_have_their_codes),
    CASE(old_process_that_ends_in_the_middle),
    CASE(offer_that_does_not_end_times_out),
    CASE(stranger_gets_no_answer),
    CASES_END,
};
