/* tests/fuzz_watches.c - owns the watched sockets and their other ends.
 *
 * An owner may close a socket under its watch, even while a duplicate lives on. Then the watch may
 * be told, or be deaf; it is closed soon, for the number may be another socket's by now.
 */
#include "tests/fuzz_watches.h"

#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"
#include "tests/fuzz_faults.h"
#include "tests/fuzz_turns.h"

enum { WATCHED = 24 };

typedef struct watched {
    plx_socket ours; /* NONE: there is none now. */
    plx_socket theirs;
    plx_socket duplicate;
    plx_loop *loop; /* NULL: nobody watches it. */
    plx_watch watch;
    uint32_t interest;
    bool is_lost;     /* It was closed under its watch. */
    bool is_expected; /* It is readable, and fuzz_watches_check() waits until the watch is told. */
} watched;

static watched all[WATCHED];
static plx_loop *const *all_loops;
static size_t loop_count;
static uint64_t begun, ended; /* Watches, those that failed to open not counted. */
static bool is_quiet;         /* Nothing but what fuzz_watches_check() does happens any more. */

#ifdef _WIN32
static const bool may_lose = false; /* Numbers of other loops are used again at once. */
#else
static const bool may_lose = true;
#endif

static void drain(const watched *w)
{
    static unsigned char bytes[4096];
    while (plx__socket_receive(w->ours, bytes, sizeof bytes) > 0)
        continue;
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    watched *w = data;
    CHECK(w->loop == loop && w->watch.bits == watch.bits);
    CHECK(ready != 0);
    w->is_expected = false;
    if (w->is_lost) {
        if (ready == PLX_FAILED) {
            CHECK(plx_watch_close(loop, watch) == PLX_ESTALE);
            w->loop = NULL;
        }
        return;
    }
    CHECK(w->ours == socket);
    CHECK(ready != PLX_FAILED);
    CHECK((ready & ~(w->interest | (uint32_t)PLX_FAILED)) == 0);
    if (!is_quiet && one_in(2))
        drain(w);
    if (!is_quiet && one_in(4))
        fuzz_watches_call(loop, 0);
}

/* `data` may be another watch's by now. */
static void on_close(plx_loop *loop, plx_watch watch, void *data, int reason)
{
    CHECK(reason == 0 || reason == PLX_EBADF || reason == PLX_ECANCELED);
    CHECK(plx_watch_set_data(loop, watch, data) == PLX_ESTALE);
    ended++;
}

static void socket_open(watched *w, uint64_t calls)
{
    plx_socket couple[2];
    if (!fuzz_couple_open(couple, 0, calls))
        return;
    w->ours = couple[0];
    w->theirs = couple[1];
    w->duplicate = PLX_SOCKET_NONE;
    w->is_lost = false;
}

static void socket_close(watched *w)
{
    if (!w->is_lost)
        plx__socket_close(w->ours);
    plx__socket_dispose(w->duplicate);
    plx__socket_close(w->theirs);
    w->ours = w->theirs = w->duplicate = PLX_SOCKET_NONE;
}

/* Whether the loop still watches what had the number before. */
static bool is_number_watched(const plx_loop *loop, plx_socket socket)
{
    for (int i = 0; i < WATCHED; i++) {
        if (all[i].is_lost && all[i].loop == loop && all[i].ours == socket)
            return true;
    }
    return false;
}

static void watch_open(watched *w, plx_loop *loop)
{
    uint32_t interest = (uint32_t)chance_below(4);
    if (one_in(3))
        interest = PLX_READABLE; /* Idle ones, for the second tier. */
    int status = plx_watch_open(loop, &w->watch, w->ours, interest, on_ready, w);
    CHECK(status == 0 || status == PLX_ECANCELED || fuzz_faults_may_cause(status) ||
          (status == PLX_EEXIST && is_number_watched(loop, w->ours)));
    if (status != 0)
        return;
    w->loop = loop;
    w->interest = interest;
    CHECK(plx_watch_set_on_close(loop, w->watch, on_close) == 0);
    begun++;
}

static void watch_close(watched *w)
{
    CHECK(plx_watch_close(w->loop, w->watch) == 0);
    CHECK(plx_watch_close(w->loop, w->watch) == PLX_ESTALE);
    w->loop = NULL;
}

static void watch_set(watched *w)
{
    uint32_t interest = (uint32_t)chance_below(4);
    int status = plx_watch_set(w->loop, w->watch, interest);
    CHECK(status == 0 || fuzz_faults_may_cause(status));
    if (status == 0)
        w->interest = interest;
}

/* The owner forgets that somebody watches it. */
static void socket_lose(watched *w)
{
    if (one_in(2) && plx__test_duplicate(w->ours, &w->duplicate) != 0)
        w->duplicate = PLX_SOCKET_NONE;
    plx__socket_close(w->ours);
    w->is_lost = true;
}

static void peer_call(watched *w)
{
    static const unsigned char bytes[100];
    if (w->theirs == PLX_SOCKET_NONE || one_in(8)) {
        if (w->theirs != PLX_SOCKET_NONE && one_in(2))
            (void)plx__socket_set(w->theirs, PLX__SOCKET_RESET_ON_CLOSE, 1);
        plx__socket_close(w->theirs);
        w->theirs = PLX_SOCKET_NONE;
    } else {
        (void)plx__socket_send(w->theirs, bytes, 1 + chance_below(sizeof bytes));
    }
}

static void watch_call(watched *w)
{
    switch (chance_below(10)) {
    case 0:
        CHECK(plx_watch_set(w->loop, w->watch, 8) == PLX_EINVAL);
        CHECK(plx_watch_interest(w->loop, w->watch) == w->interest);
        CHECK(plx_watch_data(w->loop, w->watch) == w);
        CHECK(plx_watch_open(w->loop, NULL, w->ours, 0, on_ready, NULL) != 0);
        break;
    case 1:
        if (may_lose && one_in(4))
            socket_lose(w);
        break;
    case 2:
    case 3:
        watch_close(w);
        break;
    case 4:
    case 5:
        peer_call(w);
        break;
    case 6:
        drain(w);
        break;
    default:
        watch_set(w);
        break;
    }
}

void fuzz_watches_call(plx_loop *loop, uint64_t calls)
{
    watched *w = &all[chance_below(WATCHED)];
    if (is_quiet || (loop != NULL && w->loop != NULL && w->loop != loop))
        return;
    if (loop == NULL)
        loop = all_loops[chance_below(loop_count)];
    if (w->ours == PLX_SOCKET_NONE)
        socket_open(w, calls);
    else if (w->is_lost && w->loop != NULL)
        watch_close(w);
    else if (w->is_lost || (w->loop == NULL && one_in(4)))
        socket_close(w);
    else if (w->loop == NULL)
        watch_open(w, loop);
    else
        watch_call(w);
}

/* Of those that are readable and watched for that, none is overlooked: not in the second tier, not
 * after faults, not after a stale registration. */
void fuzz_watches_check(void)
{
    uint64_t until = plx__clock_now() + 10 * PLX_SECOND;
    size_t expected = 1;
    fuzz_faults_end();
    is_quiet = true;
    for (int i = 0; i < WATCHED; i++) {
        watched *w = &all[i];
        w->is_expected =
            w->loop != NULL && !w->is_lost && plx_watch_set(w->loop, w->watch, PLX_READABLE) == 0;
        if (w->is_expected) {
            w->interest = PLX_READABLE;
            if (w->theirs != PLX_SOCKET_NONE) /* Else it has ended, which is readable. */
                (void)plx__socket_send(w->theirs, "x", 1);
        }
    }
    while (expected > 0) {
        CHECK(plx__clock_now() < until);
        for (size_t i = 0; i < loop_count; i++)
            fuzz_turns_quiet(all_loops[i]);
        expected = 0;
        for (int i = 0; i < WATCHED; i++)
            expected += all[i].is_expected;
    }
}

void fuzz_watches_open(plx_loop *const *loops, size_t count)
{
    all_loops = loops;
    loop_count = count;
    is_quiet = false;
    begun = ended = 0;
    for (int i = 0; i < WATCHED; i++)
        all[i] = (watched){
            .ours = PLX_SOCKET_NONE, .theirs = PLX_SOCKET_NONE, .duplicate = PLX_SOCKET_NONE};
}

void fuzz_watches_close(void)
{
    CHECK(begun == ended);
    for (int i = 0; i < WATCHED; i++) {
        all[i].loop = NULL;
        socket_close(&all[i]);
    }
}
