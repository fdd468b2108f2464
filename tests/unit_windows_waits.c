/* tests/unit_windows_waits.c - what WSAPoll and select() are asked, and what is made of their
 * answers; console events; and the turns that starting servers take. Over the double.
 */
#include <pollux/signal.h>
#include <stdio.h>
#include <string.h>

#include "platform/os.h"
#include "platform/rehearsal.h"
#include "tests/harness.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_waits_cases[];

static unsigned char zeroes[1 << 16];

/* A couple whose `ours` is full, and stays so. */
static couple full_open(void)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    do {
        while (plx__socket_send(c.ours.socket, zeroes, sizeof zeroes) > 0)
            continue;
    } while (plx__poll(&entry, 1, 5 * PLX_MILLISECOND) > 0);
    return c;
}

static peer refused_open(void)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__socket_close(socket_listening(address));
    return peer_start(address);
}

/* --- WSAPoll ---------------------------------------------------------------------------------
 */

/* A wait that ends early is gone on with. */
static void early_ends_are_waited_out(world *w)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    uint64_t before = plx__clock_now();
    winsock_double_fail(DOUBLE_POLL, 0, 3, WAIT_TIMEOUT);
    ck_assert_int_eq(plx__poll(&entry, 1, 30 * PLX_MILLISECOND), 0);
    ck_assert_uint_eq(winsock_double_mend(), 3);
    ck_assert_uint_ge(plx__clock_now() - before, 30 * PLX_MILLISECOND);
    winsock_double_fail(DOUBLE_POLL, 0, 3, WAIT_TIMEOUT);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_assert_int_eq(plx__poll(&entry, 1, PLX_FOREVER), 1);
    ck_assert_uint_eq(winsock_double_mend(), 3);
    couple_close(&c);
}

/* One that fails for want of memory is tried again, after a pause; other failures are told. */
static void poll_that_fails_tells_why(world *w)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    winsock_double_fail(DOUBLE_POLL, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 0);
    ck_assert_int_eq(entry.revents, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    winsock_double_fail(DOUBLE_POLL, 0, 2, WSAENOBUFS);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 3);
    winsock_double_fail(DOUBLE_POLL, 0, 1, WSAEFAULT);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), PLX_EINVAL);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    couple_close(&c);
}

/* The system says its build; before 19041 refusals are looked for, and the waits of those who want
 * to write are in slices for that. Of others they are not. */
static void check_build(DWORD build, bool is_old)
{
    couple full = full_open();
    couple c = couple_open();
    plx__poll_entry writes = {.fd = full.ours.socket, .events = PLX__POLL_WRITE};
    plx__poll_entry reads = {.fd = c.ours.socket, .events = PLX__POLL_READ};
    uint32_t finds = winsock_double_calls(DOUBLE_FIND);
    uint32_t polls = winsock_double_calls(DOUBLE_POLL);
    uint32_t selects = winsock_double_calls(DOUBLE_SELECT);
    winsock_double_build(build);
    ck_assert_int_eq(plx__poll(&reads, 1, 45 * PLX_MILLISECOND), 0);
    ck_assert_uint_le(winsock_double_calls(DOUBLE_POLL) - polls, 2); /* One may end early. */
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SELECT), selects);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_FIND), finds); /* It is known by now. */
    polls = winsock_double_calls(DOUBLE_POLL);
    ck_assert_int_eq(plx__poll(&writes, 1, 45 * PLX_MILLISECOND), 0);
    polls = winsock_double_calls(DOUBLE_POLL) - polls;
    if (is_old)
        ck_assert_uint_ge(polls, 3);
    else
        ck_assert_uint_le(polls, 2);
    ck_assert_int_eq(winsock_double_calls(DOUBLE_SELECT) > selects, is_old);
    couple_close(&full);
    couple_close(&c);
}

static void build_is_asked_once(DWORD build, bool is_old)
{
    plx__poll_entry entry = {.fd = INVALID_SOCKET, .events = PLX__POLL_READ};
    uint32_t finds = winsock_double_calls(DOUBLE_FIND);
    if (is_old)
        winsock_double_start(WINSOCK_OLD);
    winsock_double_build(build);
    (void)plx__poll(&entry, 1, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_FIND), finds + 1);
    check_build(build, is_old);
}

static void build_19040_is_old(world *w)
{
    (void)w;
    build_is_asked_once(19040, true);
    for (int i = 0; i < 2; i++) {
        couple c = full_open();
        peer refused = refused_open();
        peer also = refused_open();
        plx__poll_entry entries[3] = {{.fd = refused.socket, .events = PLX__POLL_WRITE},
                                      {.fd = c.ours.socket, .events = PLX__POLL_WRITE},
                                      {.fd = also.socket, .events = PLX__POLL_WRITE}};
        uint64_t until = plx__clock_now() + patience();
        while (plx__poll(entries, 3, patience()) != 2) /* One may be refused before the other. */
            ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(entries[0].revents, POLLERR);
        ck_assert_int_eq(entries[1].revents, 0);
        ck_assert_int_eq(entries[2].revents, POLLERR);
        couple_close(&c);
        peer_close(&refused);
        peer_close(&also);
    }
}

static void build_19041_is_not_old(world *w)
{
    (void)w;
    build_is_asked_once(19041, false);
}

/* Without the function that says it, the system counts as old. */
static void build_that_is_not_said_is_old(world *w)
{
    (void)w;
    winsock_double_fail(DOUBLE_FIND, 0, 1, ERROR_PROC_NOT_FOUND);
    build_is_asked_once(19041, true);
    ck_assert_uint_eq(winsock_double_mend(), 1);
}

/* Of those that have hung up, a wait that parks them and fails says so, and gives them back. */
static void parked_ones_come_back(world *w)
{
    couple hung = full_open();
    couple other = full_open();
    plx__poll_entry entries[2] = {{.fd = hung.ours.socket, .events = PLX__POLL_WRITE},
                                  {.fd = other.ours.socket, .events = PLX__POLL_WRITE}};
    (void)w;
    peer_shutdown(&hung.theirs);
    ck_assert_int_eq(plx__poll(entries, 2, 5 * PLX_MILLISECOND), 0);
    winsock_double_fail(DOUBLE_POLL, 1, 1, WSAEFAULT);
    ck_assert_int_eq(plx__poll(entries, 2, patience()), PLX_EINVAL);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(entries[0].fd, hung.ours.socket);
    ck_assert_uint_eq(entries[1].fd, other.ours.socket);
    /* Alone it is slept for, in slices of no more than 10 ms, and not polled meanwhile. */
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    ck_assert_int_eq(plx__poll(entries, 1, 35 * PLX_MILLISECOND), 0);
    ck_assert_uint_ge(winsock_double_calls(DOUBLE_SLEEP) - sleeps, 3);
    ck_assert_int_eq(entries[0].revents, 0);
    /* A look that may not wait parks nobody, and tells of nobody who has only hung up. */
    sleeps = winsock_double_calls(DOUBLE_SLEEP);
    ck_assert_int_eq(plx__poll(entries, 2, 0), 0);
    ck_assert_int_eq(entries[0].revents, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps);
    couple_close(&hung);
    couple_close(&other);
}

/* Who has hung up is told once in a second, not more often; and not at once, after a while in which
 * nobody has hung up. */
static void hang_ups_are_told_a_second_apart(world *w)
{
    couple hung = full_open();
    couple idle = couple_open();
    plx__poll_entry entry = {.fd = hung.ours.socket, .events = PLX__POLL_WRITE};
    plx__poll_entry none = {.fd = idle.ours.socket, .events = PLX__POLL_READ};
    (void)w;
    peer_shutdown(&hung.theirs);
    for (int round = 0; round < 2; round++) {
        uint64_t last = plx__clock_now();
        uint64_t until = last + patience();
        while (plx__poll(&entry, 1, 20 * PLX_MILLISECOND) == 0)
            ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(entry.revents & POLLHUP, POLLHUP);
        ck_assert_uint_ge(plx__clock_now() - last, 900 * PLX_MILLISECOND);
        ck_assert_int_eq(plx__poll(&entry, 1, 50 * PLX_MILLISECOND), 0);
    }
    ck_assert_int_eq(plx__poll(&none, 1, 2100 * PLX_MILLISECOND), 0);
    ck_assert_int_eq(plx__poll(&entry, 1, 50 * PLX_MILLISECOND), 0);
    couple_close(&hung);
    couple_close(&idle);
}

/* --- select() --------------------------------------------------------------------------------
 */

/* The set grows by half and 64; what it has stays good when there is no memory. */
static void sets_grow(world *w)
{
    void *scratch = NULL;
    (void)w;
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(plx__select_reserve(&scratch, 4, 10), PLX_ENOMEM);
    ck_assert_ptr_null(scratch);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_ok(plx__select_reserve(&scratch, 4, 10));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_ok(plx__select_reserve(&scratch, 4, 79));
    void *before = scratch;
    ck_assert_int_eq(plx__select_reserve(&scratch, 4, 80), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert_ptr_eq(scratch, before);
    ck_ok(plx__select_reserve(&scratch, 4, 80));
    plx__free(scratch);
}

/* As many as there is room for, in each of the three sets. */
static void sets_do_not_overlap(world *w)
{
    enum { MANY = 1000 };
    static couple couples[MANY];
    static plx__poll_entry entries[MANY];
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, 4, MANY));
    for (int i = 0; i < MANY; i++) {
        couples[i] = couple_open();
        entries[i] = (plx__poll_entry){.fd = couples[i].ours.socket,
                                       .events = PLX__POLL_READ | PLX__POLL_WRITE};
        if (i % 3 == 0)
            ck_assert_int_eq(plx__socket_send(couples[i].theirs.socket, "x", 1), 1);
    }
    uint64_t until = plx__clock_now() + patience();
    int readable;
    do {
        readable = 0;
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_eq(plx__select(entries, MANY, 0, scratch), MANY);
        for (int i = 0; i < MANY; i++) {
            ck_assert_int_eq(entries[i].revents & ~PLX__POLL_READ, PLX__POLL_WRITE);
            if ((entries[i].revents & PLX__POLL_READ) != 0)
                ck_assert_int_eq(i % 3, 0);
            readable += (entries[i].revents & PLX__POLL_READ) != 0;
        }
    } while (readable < MANY / 3 + 1);
    plx__free(scratch);
    for (int i = 0; i < MANY; i++)
        couple_close(&couples[i]);
}

/* The timeout is rounded up to a microsecond, and bounded; without a socket it is slept. */
static void timeouts_of_select_are_exact(world *w)
{
    static const struct {
        uint64_t timeout_ns;
        int64_t microseconds;
    } cases[] = {
        {0, 0},
        {1, 1},
        {1000, 1},
        {1001, 2},
        {1999999, 2000},
        {999999001, 1000000},
        {1500000000, 1500000},
        {UINT64_C(2147483646000000000), INT64_C(2147483646000000)},
        {UINT64_C(2147483647000001000), INT64_C(2147483647000001)},
        {UINT64_C(4294967296000002000), INT64_C(2147483647000002)},
        {PLX_FOREVER, -1},
    };
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, c.ours.socket, 1));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(plx__select(&entry, 1, cases[i].timeout_ns, scratch), 1);
        ck_assert_int_eq(winsock_double_timeout(), cases[i].microseconds);
    }
    uint32_t selects = winsock_double_calls(DOUBLE_SELECT);
    entry.events = 0;
    ck_assert_int_eq(plx__select(&entry, 1, 3 * PLX_MILLISECOND, scratch), 0);
    ck_assert_int_eq(winsock_double_timeout(), 3);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SELECT), selects);
    entry.events = PLX__POLL_READ;
    entry.revents = PLX__POLL_READ;
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 0);
    plx__free(scratch);
    couple_close(&c);
}

static void select_that_fails_tells_why(world *w)
{
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, c.ours.socket, 1));
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), PLX_ENOBUFS);
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAENOTSOCK);
    entry.revents = PLX__POLL_WRITE;
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 0); /* It was another's. */
    ck_assert_int_eq(entry.revents, 0);
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAEBADF);
    ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    plx__free(scratch);
    couple_close(&c);
}

/* --- console events --------------------------------------------------------------------------
 */

enum { PLACES = 64 };

static void count(void *data)
{
    ++*(unsigned *)data;
}

static uint32_t taken(plx__signal_listener *listener)
{
    return plx__atomic_exchange(&listener->pending, 0);
}

/* Each event has its number; those that announce the end hold the handler's thread for good. */
static void console_events_have_numbers(world *w)
{
    static const struct {
        DWORD event;
        int number;
        bool is_end;
    } cases[] = {
        {CTRL_C_EVENT, PLX_SIGNAL_INTERRUPT, false},
        {CTRL_BREAK_EVENT, PLX_SIGNAL_QUIT, false},
        {CTRL_CLOSE_EVENT, PLX_SIGNAL_HANGUP, true},
        {CTRL_LOGOFF_EVENT, PLX_SIGNAL_HANGUP, true},
        {CTRL_SHUTDOWN_EVENT, PLX_SIGNAL_TERMINATE, true},
    };
    plx__signal_listener listener;
    unsigned wakes = 0;
    (void)w;
    plx__signal_listener_init(&listener, count, &wakes);
    winsock_double_fail(DOUBLE_HANDLER, 0, 1, ERROR_NOT_ENOUGH_MEMORY);
    ck_assert_int_eq(plx__signal_add(&listener, PLX_SIGNAL_INTERRUPT), PLX_ENOMEM);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(listener.place, -1);
    winsock_double_fail(DOUBLE_SLEEP, 0, UINT32_MAX, ERROR_ALERTED);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
        unsigned before = wakes;
        ck_ok(plx__signal_add(&listener, cases[i].number));
        ck_assert(winsock_double_console_event(cases[i].event));
        ck_assert_uint_eq(wakes, before + 1);
        ck_assert_uint_eq(taken(&listener), 1u << cases[i].number);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP) - sleeps, cases[i].is_end);
        if (cases[i].is_end)
            ck_assert_int_eq(winsock_double_timeout(), -1); /* INFINITE */
        plx__signal_remove(&listener, cases[i].number);
        ck_assert(!winsock_double_console_event(cases[i].event));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP) - sleeps, cases[i].is_end);
        ck_assert_uint_eq(taken(&listener), 0);
    }
    (void)winsock_double_mend();
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_HANDLER), 2); /* Once that worked. */
    ck_assert(!winsock_double_console_event(99));
    ck_assert_int_eq(plx__signal_add(&listener, 0), PLX_ENOSYS);
    ck_assert_int_eq(plx__signal_add(&listener, 31), PLX_ENOSYS);
    ck_assert_int_eq(listener.place, -1);
}

/* The table has 64 places. A listener takes one, whatever it wants to be told, and leaves it with
 * the last number. */
static void listeners_have_places(world *w)
{
    static plx__signal_listener listeners[PLACES + 1];
    unsigned wakes = 0;
    (void)w;
    for (int i = 0; i <= PLACES; i++)
        plx__signal_listener_init(&listeners[i], count, &wakes);
    for (int i = 0; i < PLACES; i++) {
        ck_ok(plx__signal_add(&listeners[i], PLX_SIGNAL_INTERRUPT));
        ck_ok(plx__signal_add(&listeners[i], PLX_SIGNAL_QUIT));
    }
    ck_assert_int_eq(plx__signal_add(&listeners[PLACES], PLX_SIGNAL_QUIT), PLX_ELIMIT);
    ck_assert_int_eq(listeners[PLACES].place, -1);
    ck_assert(winsock_double_console_event(CTRL_BREAK_EVENT));
    ck_assert_uint_eq(wakes, PLACES);
    for (int i = 0; i < PLACES; i++)
        ck_assert_uint_eq(taken(&listeners[i]), 1u << PLX_SIGNAL_QUIT);
    plx__signal_remove(&listeners[40], PLX_SIGNAL_QUIT);
    ck_assert_int_ge(listeners[40].place, 0);
    ck_assert_int_eq(plx__signal_add(&listeners[PLACES], PLX_SIGNAL_QUIT), PLX_ELIMIT);
    ck_assert(winsock_double_console_event(CTRL_C_EVENT));
    ck_assert_uint_eq(taken(&listeners[40]), 1u << PLX_SIGNAL_INTERRUPT);
    plx__signal_remove(&listeners[40], PLX_SIGNAL_INTERRUPT);
    ck_assert_int_eq(listeners[40].place, -1);
    ck_ok(plx__signal_add(&listeners[PLACES], PLX_SIGNAL_QUIT));
    wakes = 0;
    ck_assert(winsock_double_console_event(CTRL_C_EVENT));
    ck_assert_uint_eq(wakes, PLACES - 1);
    ck_assert_uint_eq(taken(&listeners[40]), 0);
    ck_assert_uint_eq(taken(&listeners[PLACES]), 0);
}

/* --- socket files ----------------------------------------------------------------------------
 */

typedef struct server {
    plx__address address;
    plx_socket socket;
    plx__socket_path *path;
} server;

static void server_prepare(server *s, const char *name)
{
    char text[160];
    (void)snprintf(text, sizeof text, "unix:%s", name);
    s->path = NULL;
    ck_ok(plx__address_parse(&s->address, text));
    ck_ok(plx__socket_open(&s->socket, PLX__FAMILY_UNIX));
}

static int server_listen(server *s)
{
    return plx__socket_path_listen(s->socket, &s->address, 4, &s->path);
}

static bool file_exists(const char *name)
{
    FILE *file = fopen(name, "r");
    if (file != NULL)
        (void)fclose(file);
    return file != NULL;
}

/* Leaves the file of a server that has died. */
static void leftover_make(const char *name)
{
    server dead;
    server_prepare(&dead, name);
    ck_ok(server_listen(&dead));
    plx__socket_close(dead.socket);
    plx__socket_path_forget(dead.path);
    ck_assert(file_exists(name));
}

static char *name_make(char *name, size_t size)
{
    (void)snprintf(name, size, "pollux-%llx.sock", (unsigned long long)plx__clock_now());
    return name;
}

/* Whoever does not get its turn within a second replaces nobody's file; one whose owner has died
 * with it does, and so does nobody who cannot ask. */
static void turns_are_waited_for(world *w)
{
    static const struct {
        int outcome;
        int status;
    } cases[] = {
        {WAIT_TIMEOUT, PLX_EADDRINUSE},
        {(int)WAIT_FAILED, PLX_EADDRINUSE},
        {WAIT_ABANDONED, 0},
    };
    char name[64];
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server s;
        leftover_make(name_make(name, sizeof name));
        server_prepare(&s, name);
        winsock_double_fail(DOUBLE_TURN, 0, 1, cases[i].outcome);
        ck_assert_int_eq(server_listen(&s), cases[i].status);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_int_eq(winsock_double_timeout(), 1000);
        ck_assert(file_exists(name));
        if (cases[i].status == 0) {
            plx__socket_path_remove(s.path);
            ck_assert(!file_exists(name));
        } else {
            ck_assert_ptr_null(s.path);
            ck_assert_int_eq(remove(name), 0);
        }
        /* Where nothing is in the way, no turn is needed. */
        winsock_double_fail(DOUBLE_TURN, 0, 1, WAIT_TIMEOUT);
        if (cases[i].status != 0) {
            ck_ok(server_listen(&s));
            plx__socket_path_remove(s.path);
        }
        (void)winsock_double_mend();
        ck_assert(!file_exists(name));
        plx__socket_close(s.socket);
    }
}

static void take_turn(void *data)
{
    HANDLE mutex = CreateMutexW(NULL, FALSE, L"Global\\pollux-socket-path");
    *(bool *)data = mutex != NULL && WaitForSingleObject(mutex, 0) == WAIT_OBJECT_0;
    if (*(bool *)data)
        (void)ReleaseMutex(mutex);
    (void)CloseHandle(mutex);
}

/* The turn ends with the call: another thread can have it. */
static void turns_end(world *w)
{
    char name[64];
    server s;
    bool is_free = false;
    plx__thread thread;
    (void)w;
    server_prepare(&s, name_make(name, sizeof name));
    ck_ok(server_listen(&s));
    ck_ok(plx__thread_start(&thread, take_turn, &is_free));
    plx__thread_join(&thread);
    ck_assert(is_free);
    plx__socket_path_remove(s.path);
    plx__socket_close(s.socket);
}

/* What fails while a leftover is looked at or replaced is told, and leaves nothing new behind. */
static void listening_at_a_leftover_fails_cleanly(world *w)
{
    static const struct {
        enum winsock_double_call call;
        int error, status;
        bool is_left; /* The leftover. */
    } cases[] = {
        {DOUBLE_SOCKET, WSAEMFILE, PLX_EMFILE, true},
        {DOUBLE_CONNECT, WSAEACCES, PLX_EADDRINUSE, true},
        {DOUBLE_FILE, ERROR_ACCESS_DENIED, PLX_EADDRINUSE, true},
        {DOUBLE_FILE, ERROR_SHARING_VIOLATION, PLX_EADDRINUSE, true},
        {DOUBLE_FILE, ERROR_PATH_NOT_FOUND, PLX_EADDRINUSE, true}, /* bind() finds it. */
        {DOUBLE_DELETE, ERROR_ACCESS_DENIED, PLX_EACCES, true},
        {DOUBLE_BIND, WSAENOBUFS, PLX_ENOBUFS, false},
        {DOUBLE_LISTEN, WSAENOBUFS, PLX_ENOBUFS, false},
    };
    char name[64];
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server s;
        leftover_make(name_make(name, sizeof name));
        server_prepare(&s, name);
        winsock_double_fail(cases[i].call, 0, 1, cases[i].error);
        ck_assert_int_eq(server_listen(&s), cases[i].status);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_ptr_null(s.path);
        ck_assert_int_eq(file_exists(name), cases[i].is_left);
        if (cases[i].is_left)
            ck_assert_int_eq(remove(name), 0);
        plx__socket_close(s.socket);
    }
}

/* Whose file cannot be looked at, or is on another volume by then, stays. */
static void files_that_are_not_known_stay(world *w)
{
    char name[64];
    (void)w;
    for (int i = 0; i < 3; i++) {
        server s;
        server_prepare(&s, name_make(name, sizeof name));
        if (i == 0) /* The second is the look at what was bound. */
            winsock_double_fail(DOUBLE_FILE, 1, 1, ERROR_ACCESS_DENIED);
        ck_ok(server_listen(&s));
        if (i == 0)
            ck_assert_uint_eq(winsock_double_mend(), 1);
        if (i == 1)
            winsock_double_move_volumes(1);
        if (i == 2)
            winsock_double_fail(DOUBLE_FILE, 0, 1, ERROR_ACCESS_DENIED);
        plx__socket_path_remove(s.path);
        winsock_double_move_volumes(0);
        (void)winsock_double_mend();
        ck_assert_int_eq(remove(name), 0);
        plx__socket_close(s.socket);
    }
}

/* As long as a path can be, and absolute in the end. */
static void long_paths_are_found(world *w)
{
    char name[108];
    (void)w;
    for (size_t length = 105; length <= 107; length++) {
        server s;
        memset(name, 'x', length);
        name[length] = '\0';
        server_prepare(&s, name);
        ck_ok(server_listen(&s));
        ck_assert(file_exists(name));
        plx__socket_path_remove(s.path);
        ck_assert(!file_exists(name));
        plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
        ck_assert_int_eq(server_listen(&s), PLX_ENOMEM);
        (void)plx__fault_disarm(PLX__FAULT_MEMORY);
        ck_assert_ptr_null(s.path);
        plx__socket_close(s.socket);
    }
}

const test_case unit_windows_waits_cases[] = {
    CASE(early_ends_are_waited_out),
    CASE(poll_that_fails_tells_why),
    CASE(build_19040_is_old),
    CASE(build_19041_is_not_old),
    CASE(build_that_is_not_said_is_old),
    CASE(parked_ones_come_back),
    CASE(hang_ups_are_told_a_second_apart),
    CASE(sets_grow),
    CASE(sets_do_not_overlap),
    CASE(timeouts_of_select_are_exact),
    CASE(select_that_fails_tells_why),
    CASE(console_events_have_numbers),
    CASE(listeners_have_places),
    CASE(turns_are_waited_for),
    CASE(turns_end),
    CASE(listening_at_a_leftover_fails_cleanly),
    CASE(files_that_are_not_known_stay),
    CASE(long_paths_are_found),
    CASES_END,
};
