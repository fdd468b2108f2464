/* tests/unit_platform.c - the platform's contract, the same on every system: addresses, threads,
 * wakes, sockets. */
#include <string.h>

#include "platform/hook.h"
#include "platform/os.h"
#include "tests/harness.h"

extern const test_case unit_platform_cases[];

/* Text becomes an address and the same text again. */
static void addresses_survive_the_round_trip(world *w)
{
    static const char *const texts[] = {
        "tcp://127.0.0.1:80", "tcp://0.0.0.0:0",  "tcp://[::1]:65535",
        "tcp://[::]:1",       "unix:/tmp/x.sock", "unix:relative",
    };
    plx__address address;
    char text[PLX_ADDRESS_TEXT_MAX];
    (void)w;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_ok(plx__address_parse(&address, texts[i]));
        ck_ok(plx__address_print(&address, text, sizeof text));
        ck_assert_str_eq(text, texts[i]);
        ck_assert_int_eq(plx__address_print(&address, text, strlen(texts[i])), PLX_EINVAL);
    }
    ck_ok(plx__address_parse(&address, "unix:@hidden"));
    ck_assert_ptr_null(plx__address_path(&address)); /* It is no file. */
    ck_ok(plx__address_print(&address, text, sizeof text));
    ck_assert_str_eq(text, "unix:@hidden");
    ck_ok(plx__address_parse(&address, "unix:file"));
    ck_assert_str_eq(plx__address_path(&address), "file");
}

/* The bounds of what an address may say: a port of six digits at the most, a host of 79 characters,
 * a path that fits its structure with the zero behind it; and no name that would be looked up. */
static void addresses_have_bounds(world *w)
{
    plx__address address;
    char text[300];
    char longest[PLX_ADDRESS_TEXT_MAX];
    (void)w;
    ck_ok(plx__address_parse(&address, "tcp://127.0.0.1:65535"));
    ck_ok(plx__address_parse(&address, "tcp://127.0.0.1:000080"));
    ck_ok(plx__address_print(&address, longest, sizeof longest));
    ck_assert_str_eq(longest, "tcp://127.0.0.1:80");
    ck_assert_int_eq(plx__address_parse(&address, "tcp://127.0.0.1:0000080"), PLX_EADDRESS);
    ck_assert_int_eq(plx__address_parse(&address, "tcp://127.0.0.1:65536"), PLX_EADDRESS);
    ck_assert_int_eq(plx__address_parse(&address, "tcp://[localhost]:80"), PLX_EADDRESS);
    for (size_t length = 78; length <= 82; length++) {
        memset(text, '1', sizeof text);
        memcpy(text, "tcp://", 6);
        memcpy(text + 6 + length, ":80", 4);
        ck_assert_int_eq(plx__address_parse(&address, text), PLX_EADDRESS);
    }
    const size_t room = sizeof((plx__sockaddr_un *)0)->sun_path;
    memset(text, 'x', sizeof text);
    memcpy(text, "unix:", 5);
    text[5 + room] = '\0';
    ck_assert_int_eq(plx__address_parse(&address, text), PLX_ENAMETOOLONG);
    text[5 + room - 1] = '\0';
    ck_ok(plx__address_parse(&address, text));
    ck_assert_str_eq(plx__address_path(&address), text + 5);
    ck_ok(plx__address_print(&address, longest, sizeof longest));
    ck_assert_str_eq(longest, text);
}

static void clock_never_goes_back(world *w)
{
    uint64_t last = plx__clock_now();
    (void)w;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = plx__clock_now();
        ck_assert_uint_ge(now, last);
        last = now;
    }
}

typedef struct room {
    plx__mutex mutex;
    plx__condition condition;
    unsigned count;
} room;

static void add_many(void *data)
{
    room *r = data;
    for (int i = 0; i < 10000; i++) {
        plx__mutex_lock(&r->mutex);
        r->count++;
        plx__mutex_unlock(&r->mutex);
    }
    plx__mutex_lock(&r->mutex);
    plx__condition_signal(&r->condition);
    plx__mutex_unlock(&r->mutex);
}

/* Mutexes exclude, conditions wake, and a wait that nobody ends takes its time. */
static void threads_share_what_a_mutex_guards(world *w)
{
    room r = {.count = 0};
    plx__thread threads[4];
    (void)w;
    plx__mutex_open(&r.mutex);
    plx__condition_open(&r.condition);
    for (int i = 0; i < 4; i++)
        ck_ok(plx__thread_start(&threads[i], add_many, &r));
    plx__mutex_lock(&r.mutex);
    while (r.count < 40000)
        (void)plx__condition_wait(&r.condition, &r.mutex, PLX_SECOND);
    uint64_t before = plx__clock_now();
    while (plx__condition_wait(&r.condition, &r.mutex, 20 * PLX_MILLISECOND))
        before = plx__clock_now(); /* A signal of a thread that was late. */
    ck_assert_uint_ge(plx__clock_now() - before, 15 * PLX_MILLISECOND);
    plx__mutex_unlock(&r.mutex);
    for (int i = 0; i < 4; i++)
        plx__thread_join(&threads[i]);
    ck_assert_uint_eq(r.count, 40000);
    plx__condition_close(&r.condition);
    plx__mutex_close(&r.mutex);
    plx__fault_arm(PLX__FAULT_THREAD, 0, 1);
    ck_assert_int_eq(plx__thread_start(&threads[0], add_many, &r), PLX_ELIMIT);
    (void)plx__fault_disarm(PLX__FAULT_THREAD);
}

static void add_one(void *data)
{
    room *r = data;
    plx__mutex_lock(&r->mutex);
    r->count++;
    plx__condition_signal(&r->condition);
    plx__mutex_unlock(&r->mutex);
}

/* Nothing but the signal ends this wait. */
static void signal_ends_a_wait_without_end(world *w)
{
    room r = {.count = 0};
    plx__thread thread;
    (void)w;
    plx__mutex_open(&r.mutex);
    plx__condition_open(&r.condition);
    plx__mutex_lock(&r.mutex);
    ck_ok(plx__thread_start(&thread, add_one, &r));
    while (r.count == 0)
        ck_assert(plx__condition_wait(&r.condition, &r.mutex, PLX_FOREVER));
    plx__mutex_unlock(&r.mutex);
    plx__thread_join(&thread);
    ck_assert(plx__mutex_try(&r.mutex));
    plx__mutex_unlock(&r.mutex);
    plx__condition_close(&r.condition);
    plx__mutex_close(&r.mutex);
}

static int poll_one(plx_socket socket, short events, uint64_t timeout_ns, short *revents_out)
{
    plx__poll_entry entry = {.fd = socket, .events = events};
    int ready = plx__poll(&entry, 1, timeout_ns);
    *revents_out = entry.revents;
    return ready;
}

/* A wake makes its reader readable, once however often it is sent, until it is drained. */
static void wake_is_readable_until_drained(world *w)
{
    plx__wake wake;
    short revents;
    bool is_renewed;
    (void)w;
    ck_ok(plx__wake_open(&wake));
    ck_assert_int_eq(poll_one(wake.reader, PLX__POLL_READ, 0, &revents), 0);
    for (int i = 0; i < 3; i++)
        plx__wake_send(&wake);
    ck_assert_int_eq(poll_one(wake.reader, PLX__POLL_READ, patience(), &revents), 1);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(!is_renewed);
    ck_assert_int_eq(poll_one(wake.reader, PLX__POLL_READ, 0, &revents), 0);
    plx__wake_close(&wake);
}

static void send_wake(void *data)
{
    plx__wake_send(data);
}

/* It ends a wait that another thread is in. */
static void wake_ends_a_wait(world *w)
{
    plx__wake wake;
    plx__thread thread;
    short revents;
    (void)w;
    ck_ok(plx__wake_open(&wake));
    ck_ok(plx__thread_start(&thread, send_wake, &wake));
    ck_assert_int_eq(poll_one(wake.reader, PLX__POLL_READ, patience(), &revents), 1);
    plx__thread_join(&thread);
    plx__wake_close(&wake);
}

/* A wake whose socket has died (a machine that slept, on Windows) is made anew. Elsewhere there is
 * nothing that could die. */
static void wake_is_renewed_when_it_died(world *w)
{
    plx__wake wake;
    bool is_renewed = false;
    short revents;
    (void)w;
    ck_ok(plx__wake_open(&wake));
#ifdef _WIN32
    ck_assert_int_eq(shutdown(wake.reader, SD_BOTH), 0);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
#endif
    (void)is_renewed;
    plx__wake_send(&wake);
    ck_assert_int_eq(poll_one(wake.reader, PLX__POLL_READ, patience(), &revents), 1);
    plx__wake_close(&wake);
}

typedef struct sender {
    plx__wake *wake;
    plx__atomic_u32 is_over;
} sender;

static void send_until_over(void *data)
{
    sender *s = data;
    while (plx__atomic_load(&s->is_over) == 0)
        plx__wake_send(s->wake);
}

static void dawdle(enum plx__hook_step step, void *data)
{
    (void)data;
    if (step == PLX__HOOK_SEND)
        plx__thread_yield();
}

/* It is made anew while two threads send. The number that it had is another's at once, and nothing
 * is sent there. */
static void wake_is_renewed_while_others_send(world *w)
{
    enum { ROUNDS = 100, THREADS = 2 };
    plx__wake wake;
    plx__thread threads[THREADS];
    sender s = {.wake = &wake};
    bool is_renewed;
    int strays = 0;
    (void)w;
    ck_ok(plx__wake_open(&wake));
    plx__hook_set(dawdle, NULL);
    plx__fault_arm(PLX__FAULT_WAKE, 0, UINT32_MAX);
    for (int i = 0; i < THREADS; i++)
        ck_ok(plx__thread_start(&threads[i], send_until_over, &s));
    for (int i = 0; i < ROUNDS; i++) {
        plx__wake other;
        short revents;
        ck_ok(plx__wake_drain(&wake, &is_renewed));
        ck_ok(plx__wake_open(&other));
        for (int n = 0; n < 4; n++)
            plx__thread_yield();
        strays += poll_one(other.reader, PLX__POLL_READ, 0, &revents);
        plx__wake_close(&other);
    }
    plx__atomic_store(&s.is_over, 1);
    for (int i = 0; i < THREADS; i++)
        plx__thread_join(&threads[i]);
    plx__hook_set(NULL, NULL);
    (void)plx__fault_disarm(PLX__FAULT_WAKE);
    plx__wake_close(&wake);
    ck_assert_int_eq(strays, 0);
}

/* The system's numbers become codes; what has none is PLX_EUNKNOWN, and the number is kept. */
static void system_errors_have_codes(world *w)
{
#ifdef _WIN32
    static const int pairs[][2] = {
        {WSAECONNRESET, PLX_ECONNRESET},
        {WSAECONNREFUSED, PLX_ECONNREFUSED},
        {WSAEADDRINUSE, PLX_EADDRINUSE},
        {WSAEMFILE, PLX_EMFILE},
        {WSAEWOULDBLOCK, PLX_EAGAIN},
        {WSAENOBUFS, PLX_ENOBUFS},
        {WSAETIMEDOUT, PLX_ETIMEDOUT},
        {WSAEAFNOSUPPORT, PLX_EAFNOSUPPORT},
        {WSAESHUTDOWN, PLX_EPIPE},
        {ERROR_NETNAME_DELETED, PLX_ECONNRESET},
        {ERROR_NOT_ENOUGH_MEMORY, PLX_ENOMEM},
    };
#else
    static const int pairs[][2] = {
        {ECONNRESET, PLX_ECONNRESET}, {ECONNREFUSED, PLX_ECONNREFUSED},
        {EADDRINUSE, PLX_EADDRINUSE}, {EMFILE, PLX_EMFILE},
        {EAGAIN, PLX_EAGAIN},         {ENOBUFS, PLX_ENOBUFS},
        {ETIMEDOUT, PLX_ETIMEDOUT},   {EAFNOSUPPORT, PLX_EAFNOSUPPORT},
        {EPIPE, PLX_EPIPE},           {ENFILE, PLX_ENFILE},
        {ENOMEM, PLX_ENOMEM},
    };
#endif
    (void)w;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        ck_assert_int_eq(plx__fail(pairs[i][0]), pairs[i][1]);
        ck_assert_int_eq(plx_os_error(), pairs[i][0]);
    }
    ck_assert_int_eq(plx__fail(99999), PLX_EUNKNOWN);
    ck_assert_int_eq(plx_os_error(), 99999);
}

/* A look tells at once what a socket is ready for, of what it is asked. */
static void look_tells_what_it_is_asked(world *w)
{
    const uint32_t both = PLX__LOOK_READ | PLX__LOOK_WRITE;
    static unsigned char bytes[65536];
    couple c = couple_open();
    (void)w;
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, PLX__LOOK_READ), 0);
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, PLX__LOOK_WRITE), PLX__LOOK_WRITE);
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, both), PLX__LOOK_WRITE);
    ck_assert_int_eq((int)plx__socket_send(c.theirs.socket, "x", 1), 1);
    uint64_t until = plx__clock_now() + patience();
    while (plx__socket_look(c.ours.socket, PLX__LOOK_READ) == 0)
        ck_assert_uint_lt(plx__clock_now(), until);
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, PLX__LOOK_WRITE), PLX__LOOK_WRITE);
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, both), both);
    while (plx__socket_look(c.ours.socket, PLX__LOOK_WRITE) != 0) {
        (void)plx__socket_send(c.ours.socket, bytes, sizeof bytes);
        ck_assert_uint_lt(plx__clock_now(), until);
    }
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, both), PLX__LOOK_READ);
    ck_assert_uint_eq(plx__socket_look(c.ours.socket, 0), 0);
    couple_close(&c);
}

/* What was not had is not counted as held, and what is NULL is not given back. */
static void memory_that_there_is_none_of_is_not_held(world *w)
{
    const size_t most = (size_t)PTRDIFF_MAX + 1; /* Of a 32-bit process PTRDIFF_MAX may be had. */
    uint32_t before = plx__fault_held(PLX__FAULT_MEMORY);
    (void)w;
    ck_assert_ptr_null(plx__allocate(most));
    ck_assert_ptr_null(plx__allocate_zeroed(2, most));
    ck_assert_ptr_null(plx__reallocate(NULL, most));
    plx__free(NULL);
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), before);
    void *some = plx__allocate(1);
    ck_assert_ptr_nonnull(some);
    ck_assert_ptr_null(plx__reallocate(some, most));
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), before + 1);
    plx__free(some);
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), before);
}

const test_case unit_platform_cases[] = {
    CASE(memory_that_there_is_none_of_is_not_held),
    CASE(look_tells_what_it_is_asked),
    CASE(addresses_survive_the_round_trip),
    CASE(addresses_have_bounds),
    CASE(clock_never_goes_back),
    CASE(threads_share_what_a_mutex_guards),
    CASE(signal_ends_a_wait_without_end),
    CASE(wake_is_readable_until_drained),
    CASE(wake_ends_a_wait),
    CASE(wake_is_renewed_when_it_died),
    CASE(wake_is_renewed_while_others_send),
    CASE(system_errors_have_codes),
    CASES_END,
};
