/* tests/fuzz_lost.c - owns one loop at a time, and closes its descriptors behind its back.
 *
 * The one that lost its descriptor is told, sooner or later, once; no other is harmed; the loop
 * goes on. Nobody but the loop opens anything meanwhile, so that a number which is used again is
 * the loop's, which can tell.
 */
#include "tests/fuzz_lost.h"

#include <string.h>

#include "platform/fault.h"
#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"
#include "tests/fuzz_peers.h"

enum { PARTS = 48, COUPLES = 8, STEPS = 150 };

enum part_kind { PART_NONE, PART_CONN, PART_LISTENER, PART_CONTROL };

/* A connection or a listener of the loop. */
typedef struct part {
    enum part_kind kind;
    uint64_t bits;
    plx_socket socket; /* NONE: unknown. */
    bool is_lost;
    bool is_accepted;
} part;

static part parts[PARTS];
static plx_loop *loop;
static plx_socket spares[COUPLES][2]; /* Connected already, to be adopted. */
static plx_socket duplicates[COUPLES];
static plx_socket control[2]; /* A connection that nobody harms. */
static char address[PLX_ADDRESS_TEXT_MAX];
static plx_socket first; /* What number_next() duplicates. */
static uint64_t calls_made;

uint64_t fuzz_lost_count;

#ifdef _WIN32
bool fuzz_lost_is_possible(void)
{
    return false;
}
#else
bool fuzz_lost_is_possible(void)
{
    return true; /* POSIX, open(). */
}
#endif

/* The number that the next socket will have. */
static plx_socket number_next(void)
{
    plx_socket number;
    if (plx__test_duplicate(first, &number) != 0)
        return PLX_SOCKET_NONE;
    plx__socket_dispose(number);
    return number;
}

static part *part_free(void)
{
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].kind == PART_NONE)
            return &parts[i];
    }
    return NULL;
}

/* Whether a number may be in use again before the loop hears of it: the kernel accepts by itself.
 * If the one that lost it is closed at that moment, the new one is closed, and nobody can know. */
static bool accepts_ahead(void)
{
    return strcmp(plx_loop_backend_name(loop), "uring") == 0;
}

static void on_open(plx_loop *on, plx_conn conn, void *data)
{
    part *p = data;
    CHECK(on == loop);
    if (p == NULL) {
        p = part_free();
        if (p == NULL) {
            CHECK(plx_conn_close(loop, conn) == 0);
            return;
        }
        *p = (part){
            .kind = PART_CONN, .bits = conn.bits, .socket = PLX_SOCKET_NONE, .is_accepted = true};
        CHECK(plx_conn_set_data(loop, conn, p) == 0);
    }
    CHECK(p->bits == conn.bits);
}

static size_t on_data(plx_loop *on, plx_conn conn, void *data, const void *bytes, size_t length)
{
    const part *p = data;
    CHECK(on == loop && p != NULL && p->bits == conn.bits);
    if (p->kind == PART_CONTROL)
        CHECK(plx_conn_write(loop, conn, bytes, length) == 0);
    else if (one_in(2))
        (void)!plx_conn_write(loop, conn, bytes, length < 100 ? length / 2 : 100);
    return length;
}

static void on_close(plx_loop *on, plx_conn conn, void *data, int reason)
{
    part *p = data;
    CHECK(on == loop);
    if (p == NULL)
        return; /* There were too many. */
    CHECK(p->bits == conn.bits && p->kind != PART_NONE);
    if (reason == PLX_EBADF || reason == PLX_ENOTSOCK)
        CHECK(p->is_lost || (p->is_accepted && accepts_ahead()));
    CHECK(p->kind != PART_CONTROL || reason == PLX_ECANCELED);
    p->kind = PART_NONE;
}

static void on_error(plx_loop *on, plx_listener listener, void *data, int status)
{
    part *p = data;
    CHECK(on == loop && p->kind == PART_LISTENER && p->bits == listener.bits);
    if (status == PLX_EBADF) {
        CHECK(p->is_lost);
        CHECK(plx_listener_close(loop, listener) == PLX_ESTALE);
        p->kind = PART_NONE;
    }
}

static plx_conn_options conn_options(part *p)
{
    return (plx_conn_options){
        .on_open = on_open, .on_data = on_data, .on_close = on_close, .data = p};
}

static bool is_named(plx_socket socket, const char *text)
{
    plx__address name;
    char own[PLX_ADDRESS_TEXT_MAX];
    return socket != PLX_SOCKET_NONE && plx__socket_name(socket, &name) == 0 &&
           plx__address_print(&name, own, sizeof own) == 0 && strcmp(own, text) == 0;
}

static void part_listen(part *p)
{
    const plx_conn_options accepted = conn_options(NULL);
    const plx_listen_options options = {.conn = &accepted, .on_error = on_error, .data = p};
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    plx_socket number = number_next();
    if (!fuzz_address_take(text, sizeof text, calls_made) ||
        plx_listen(loop, &listener, text, &options) != 0)
        return;
    CHECK(plx_listener_address(loop, listener, address, sizeof address) == 0);
    *p = (part){.kind = PART_LISTENER, .bits = listener.bits, .socket = PLX_SOCKET_NONE};
    if (is_named(number, address))
        p->socket = number;
}

static void part_connect(part *p)
{
    const plx_conn_options options = conn_options(p);
    char local[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    plx_socket number = number_next();
    if (!fuzz_port_take_for(address, calls_made))
        return;
    p->kind = PART_CONN;
    if (plx_connect(loop, &conn, address, &options) != 0) {
        p->kind = PART_NONE;
        return;
    }
    *p = (part){.kind = PART_CONN, .bits = conn.bits, .socket = PLX_SOCKET_NONE};
    if (plx_conn_local(loop, conn, local, sizeof local) == 0 && is_named(number, local))
        p->socket = number;
}

static void part_adopt(part *p, plx_socket *socket, enum part_kind kind)
{
    const plx_conn_options options = conn_options(p);
    plx_conn conn;
    if (*socket == PLX_SOCKET_NONE)
        return;
    plx__socket_disown(*socket);
    CHECK(plx_conn_adopt(loop, &conn, *socket, &options, NULL, 0) == 0);
    *p = (part){.kind = kind, .bits = conn.bits, .socket = *socket};
    *socket = PLX_SOCKET_NONE;
}

/* One that the loop may still use, and even close. */
static bool is_lost_number(plx_socket number)
{
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].kind != PART_NONE && parts[i].is_lost && parts[i].socket == number)
            return true;
    }
    return false;
}

/* Sometimes a duplicate lives on: then the loop has a registration of something that it cannot name
 * any more. */
static void part_lose(part *p)
{
    /* One that has closed, and whose on_close is to come, has its number no more. */
    bool is_closed = p->kind == PART_CONN && plx_conn_data(loop, (plx_conn){p->bits}) == NULL;
    if (p->socket == PLX_SOCKET_NONE || p->is_lost || p->kind == PART_CONTROL || is_closed)
        return;
    plx_socket *duplicate = &duplicates[chance_below(COUPLES)];
    if (one_in(2) && *duplicate == PLX_SOCKET_NONE && !is_lost_number(number_next()) &&
        plx__test_duplicate(p->socket, duplicate) != 0)
        *duplicate = PLX_SOCKET_NONE;
    plx__socket_dispose(p->socket);
    p->is_lost = true;
    fuzz_lost_count++;
}

static void part_close(const part *p)
{
    if (p->kind == PART_LISTENER) {
        CHECK(plx_listener_close(loop, (plx_listener){p->bits}) == 0);
        parts[p - parts].kind = PART_NONE;
    } else if (p->kind == PART_CONN) {
        int status = one_in(2) ? plx_conn_close(loop, (plx_conn){p->bits})
                               : plx_conn_reset(loop, (plx_conn){p->bits});
        CHECK(status == 0 || status == PLX_ESTALE); /* on_close may be to come. */
    }
}

static void part_use(part *p)
{
    static const unsigned char bytes[5000];
    const plx_conn conn = {p->bits};
    switch (chance_below(8)) {
    case 0:
    case 1:
        part_lose(p);
        break;
    case 2:
        part_close(p);
        break;
    case 3:
        if (p->kind == PART_CONN)
            (void)(one_in(2) ? plx_conn_pause(loop, conn) : plx_conn_resume(loop, conn));
        break;
    case 4:
        if (p->kind == PART_CONN)
            (void)plx_conn_shutdown(loop, conn);
        break;
    default:
        if (p->kind == PART_CONN)
            (void)!plx_conn_write(loop, conn, bytes, 1 + chance_below(sizeof bytes));
        break;
    }
}

static void step(void)
{
    part *p = &parts[chance_below(PARTS)];
    plx_socket *spare = &spares[chance_below(COUPLES)][0];
    if (p->kind == PART_CONTROL)
        return;
    if (p->kind != PART_NONE)
        part_use(p);
    else if (one_in(8))
        part_listen(p);
    else if (one_in(2))
        part_connect(p);
    else
        part_adopt(p, spare, PART_CONN);
}

/* The one that nobody has harmed still answers. */
static void control_check(void)
{
    uint64_t until = plx__clock_now() + 10 * PLX_SECOND;
    char answer[2];
    CHECK(plx__socket_send(control[1], "hi", 2) == 2);
    for (size_t got = 0; got < sizeof answer;) {
        CHECK(plx__clock_now() < until);
        CHECK(plx_loop_run_once(loop, PLX_MILLISECOND) == 0);
        ptrdiff_t more = plx__socket_receive(control[1], answer + got, sizeof answer - got);
        CHECK(more > 0 || more == PLX_EAGAIN);
        got += more > 0 ? (size_t)more : 0;
    }
    CHECK(memcmp(answer, "hi", 2) == 0);
}

/* Closes what has lost its descriptor and was not told so. */
static void lost_close(void)
{
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].is_lost)
            part_close(&parts[i]);
    }
    for (int i = 0; i < 10; i++)
        CHECK(plx_loop_run_once(loop, 0) == 0);
    for (int i = 0; i < PARTS; i++)
        CHECK(!parts[i].is_lost || parts[i].kind == PART_NONE);
}

static bool sockets_open(uint64_t calls)
{
    for (int i = 0; i < COUPLES; i++)
        spares[i][0] = spares[i][1] = duplicates[i] = PLX_SOCKET_NONE;
    for (int i = 0; i < COUPLES; i++)
        (void)fuzz_couple_open(spares[i], 0, calls);
    return fuzz_couple_open(control, 0, calls);
}

static void sockets_close(void)
{
    for (int i = 0; i < COUPLES; i++) {
        plx__socket_close(spares[i][0]);
        plx__socket_close(spares[i][1]);
        plx__socket_dispose(duplicates[i]);
    }
    plx__socket_close(control[1]);
}

void fuzz_lost_round(const plx_loop_options *options, uint64_t calls)
{
    uint64_t lost = fuzz_lost_count;
    plx_loop_stats stats;
    memset(parts, 0, sizeof parts);
    calls_made = calls;
    if (!sockets_open(calls)) {
        sockets_close();
        return;
    }
    first = control[1];
    CHECK(plx_loop_open(&loop, options) == 0);
    part_adopt(&parts[0], &control[0], PART_CONTROL);
    part_listen(&parts[1]);
    for (int i = 0; i < STEPS; i++) {
        step();
        if (one_in(2))
            CHECK(plx_loop_run_once(loop, 0) == 0);
        if (one_in(20))
            control_check();
    }
    lost_close();
    control_check();
    plx_loop_stats_get(loop, &stats);
    CHECK(stats.sockets_lost <= fuzz_lost_count - lost);
    CHECK(plx_loop_close(loop) == 0);
    for (int i = 0; i < PARTS; i++)
        CHECK(parts[i].kind != PART_CONN && parts[i].kind != PART_CONTROL);
    sockets_close();
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) == 0);
}
