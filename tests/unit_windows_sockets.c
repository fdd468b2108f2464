/* tests/unit_windows_sockets.c - more of what platform/windows makes of a system that fails, or
 * says what it may: ports in tables, short sends, wakes, threads, WSAPoll and select(). Over the
 * double.
 */
#include <string.h>

#include "platform/hook.h"
#include "platform/os.h"
#include "tests/harness.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_sockets_cases[];

static uint32_t descriptors(void)
{
    return plx__fault_held(PLX__FAULT_DESCRIPTOR);
}

static uint16_t port_of(const plx__address *address)
{
    return ntohs(((const struct sockaddr_in *)(const void *)address->storage.bytes)->sin_port);
}

/* Binds to 127.0.0.1 at the port of the address, or to what else it is, and returns the code. */
static int bind_at(const plx__address *address)
{
    plx_socket socket;
    ck_ok(plx__socket_open(&socket, address->family));
    int status = plx__socket_bind(socket, address);
    plx__socket_close(socket);
    return status;
}

static plx__address some_address(void)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx__socket_close(socket_listening(text));
    ck_ok(plx__address_parse(&address, text));
    return address;
}

/* --- addresses -------------------------------------------------------------------------------
 */

/* One row more, each time that somebody looks. */
static void table_grow(void *data)
{
    static uint16_t rows[8];
    static uint32_t count;
    rows[0] = *(const uint16_t *)data;
    count = count < 8 ? count + 1 : 8;
    winsock_double_rows(rows, count, count);
}

/* Somebody has the port if any row of the table says so, and no more rows count than there are. */
static void tables_are_read_whole(world *w)
{
    plx__address address = some_address();
    uint16_t port = port_of(&address);
    uint16_t other = (uint16_t)(port ^ 1);
    (void)w;
    winsock_double_reserve(port);
    for (uint32_t family = 0; family < 2; family++) { /* The other one's table cannot be read. */
        for (uint32_t at = 0; at <= 3; at++) {
            uint16_t rows[4] = {other, other, other, other};
            rows[at] = port;
            winsock_double_rows(rows, 4, 3);
            winsock_double_fail(DOUBLE_TABLE, family == 0 ? 2 : 0, 1, ERROR_NOT_SUPPORTED);
            ck_assert_int_eq(bind_at(&address), at < 3 ? PLX_EADDRINUSE : PLX_EACCES);
            ck_assert_uint_eq(winsock_double_mend(), 1);
        }
    }
    winsock_double_rows(&port, 0, 0);
    winsock_double_fail(DOUBLE_SOCKET, 1, 2, WSAEMFILE);
    ck_assert_int_eq(bind_at(&address), PLX_EACCES); /* No probe is no answer. */
    ck_assert_uint_eq(winsock_double_mend(), 2);
    winsock_double_act(DOUBLE_TABLE, 0, UINT32_MAX, 0, table_grow, &port);
    ck_assert_int_eq(bind_at(&address), PLX_EADDRINUSE); /* There is room for what it grows by. */
    (void)winsock_double_mend();
    winsock_double_rows(&port, 1, 1);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 2);
    ck_assert_int_eq(bind_at(&address), PLX_EACCES); /* Neither can be read. */
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 2);
    winsock_double_fail(DOUBLE_LIBRARY, 0, 1, ERROR_MOD_NOT_FOUND);
    ck_assert_int_eq(bind_at(&address), PLX_EACCES);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    winsock_double_rows(NULL, 0, 0);
    winsock_double_reserve(0);
}

/* What fails for another reason than that it is forbidden, or has no port, is not looked into. */
static void other_failures_are_told_as_they_are(world *w)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx__address path;
    plx_socket listener = socket_listening(text);
    (void)w;
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__address_parse(&path, "unix:some-file-there"));
    uint32_t sockets = winsock_double_calls(DOUBLE_SOCKET);
    winsock_double_fail(DOUBLE_BIND, 0, 1, WSAEADDRNOTAVAIL);
    ck_assert_int_eq(bind_at(&address), PLX_EADDRNOTAVAIL);
    winsock_double_fail(DOUBLE_BIND, 0, 1, WSAEACCES);
    ck_assert_int_eq(bind_at(&path), PLX_EACCES);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SOCKET) - sockets, 2); /* No probes. */
    uint32_t accepts = winsock_double_calls(DOUBLE_ACCEPT);
    plx_socket none;
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(plx__socket_accept(listener, &none), PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_ACCEPT), accepts);
    ck_assert(!plx__address_retry(0));
    ck_assert_int_eq(plx__socket_adopt(INVALID_SOCKET), PLX_EBADF);
    plx__socket_close(listener);
}

/* One that listens becomes ours: it does not block any more, and is no child's. Others are refused,
 * and stay as they were. */
static void listening_sockets_are_adopted(world *w)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_socket socket = socket_listening(text);
    plx_socket bound = socket_refusing(text);
    plx_socket none;
    couple c = couple_open();
    u_long off = 0;
    DWORD flags = 0;
    (void)w;
    uint32_t before = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    ck_assert_int_eq(plx__socket_adopt_listening(c.ours.socket), PLX_EINVAL);
    ck_assert_int_eq(plx__socket_adopt_listening(bound), PLX_EINVAL);
    ck_assert_int_eq(plx__socket_adopt_listening(INVALID_SOCKET), PLX_EBADF);
    ck_ok(ioctlsocket(socket, (long)FIONBIO, &off));
    ck_assert(SetHandleInformation((HANDLE)socket, HANDLE_FLAG_INHERIT, 1));
    for (uint32_t get = 0; get < 3; get++) {
        winsock_double_fail(DOUBLE_GET, get, 1, WSAENOBUFS);
        ck_assert_int_eq(plx__socket_adopt_listening(socket), PLX_ENOBUFS);
        ck_assert_uint_eq(winsock_double_mend(), 1);
    }
    winsock_double_fail(DOUBLE_NON_BLOCKING, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_adopt_listening(socket), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), before);
    ck_assert(GetHandleInformation((HANDLE)socket, &flags));
    ck_assert_uint_ne(flags & HANDLE_FLAG_INHERIT, 0);
    ck_ok(plx__socket_adopt_listening(socket));
    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_DESCRIPTOR), before + 1);
    ck_assert(GetHandleInformation((HANDLE)socket, &flags));
    ck_assert_uint_eq(flags & HANDLE_FLAG_INHERIT, 0);
    ck_assert_int_eq(plx__socket_accept(socket, &none), PLX_EAGAIN);
    plx__socket_disown(socket);
    plx__socket_close(socket);
    plx__socket_close(bound);
    couple_close(&c);
}

/* Windows does not distribute connections among sockets of one port. */
static void ports_are_not_shared(world *w)
{
    plx_socket socket;
    (void)w;
    ck_ok(plx__socket_open(&socket, PLX__FAMILY_IPV4));
    ck_assert_int_eq(plx__socket_set(socket, PLX__SOCKET_SHARE_PORT, 1), PLX_ENOSYS);
    plx__socket_close(socket);
}

/* --- sending ---------------------------------------------------------------------------------
 */

/* A send that takes less than it was given is the last one, and what it took is told. */
static void short_sends_are_the_last(world *w)
{
    static unsigned char bytes[3 * PLX__SEND_MAX];
    couple c = couple_open();
    plx__slice slices[40];
    (void)w;
    for (size_t i = 0; i < 40; i++)
        slices[i] = plx__slice_of(bytes, 10);
    uint32_t sends = winsock_double_calls(DOUBLE_SEND);
    winsock_double_take(7);
    ck_assert_int_eq(plx__socket_send(c.ours.socket, bytes, sizeof bytes), 7);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SEND), sends + 1);
    winsock_double_take(1); /* The first slice. */
    ck_assert_int_eq(plx__socket_send_slices(c.ours.socket, slices, 40), 10);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SEND), sends + 2);
    for (size_t i = 1; i < 16; i++)
        slices[i] = plx__slice_of(bytes, 0);
    slices[0] = plx__slice_of(bytes, 1);
    winsock_double_fail(DOUBLE_SEND, 1, 1, WSAECONNRESET);
    ck_assert_int_eq(plx__socket_send_slices(c.ours.socket, slices, 40), 1);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    couple_close(&c);
}

static void spares_are_had_once(world *w)
{
    uint32_t before = descriptors();
    plx__spare spare;
    (void)w;
    memset(&spare, 0xA5, sizeof spare);
    winsock_double_fail(DOUBLE_SOCKET, 0, 1, WSAEMFILE);
    plx__spare_open(&spare);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(spare.descriptor, PLX_SOCKET_NONE);
    plx__spare_close(&spare);
    plx__spare_open(&spare);
    ck_assert_uint_eq(descriptors(), before + 1);
    plx__spare_close(&spare);
    plx__spare_close(&spare);
    ck_assert_uint_eq(descriptors(), before);
}

/* --- wakes and threads -----------------------------------------------------------------------
 */

/* A wake is bound to the loopback and connected to it, whatever its name is said to be; and it
 * counts as a descriptor. */
static void wakes_stay_on_the_loopback(world *w)
{
    plx__wake wake;
    bool is_renewed;
    char byte[4];
    uint32_t before = descriptors();
    (void)w;
    memset(&wake, 0xA5, sizeof wake);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(plx__wake_open(&wake), PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    ck_assert_uint_eq(wake.reader, PLX_SOCKET_NONE);
    winsock_double_hide_names(true);
    memset(&wake, 0xA5, sizeof wake);
    ck_ok(plx__wake_open(&wake));
    winsock_double_hide_names(false);
    ck_assert_uint_eq(winsock_double_bound(), INADDR_LOOPBACK);
    plx__wake_send(&wake);
    ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), 1);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(!is_renewed);
    plx__wake_close(&wake);
    ck_assert_uint_eq(descriptors(), before);
}

static void send_count(enum plx__hook_step step, void *data)
{
    *(int *)data += step == PLX__HOOK_SEND;
}

/* A wake whose receiving fails is made anew. What an earlier call has failed with is no sign of
 * that; and nobody receives again once there is nothing. */
static void dead_wakes_are_made_anew(world *w)
{
    plx__wake wake;
    bool is_renewed = true;
    char byte[4];
    (void)w;
    ck_ok(plx__wake_open(&wake));
    for (int sent = 0; sent < 64; sent++)
        plx__wake_send(&wake);
    WSASetLastError(WSAENETRESET);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(!is_renewed);
    uint32_t reads = winsock_double_calls(DOUBLE_READ);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(!is_renewed);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_READ), reads + 1);
    winsock_double_fail(DOUBLE_READ, 0, 1, WSAENETRESET);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert(is_renewed);
    int sends = 0;
    plx__hook_set(send_count, &sends);
    plx__wake_send(&wake);
    plx__hook_set(NULL, NULL);
    ck_assert_int_eq(sends, 1); /* Tests come between there. */
    ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), 1);
    plx__wake_close(&wake);
}

/* A wake that Winsock refuses for a moment is sent again; one that fails for good, or is refused
 * for long, is given up. */
static void refused_wakes_are_sent_again(world *w)
{
    static const struct {
        uint32_t count;
        int os_code;
        uint32_t struck;
        int got;
    } ways[] = {{1, WSAEWOULDBLOCK, 1, 1},
                {1, WSAENOBUFS, 1, 1},
                {70, WSAEWOULDBLOCK, 70, 1},
                {UINT32_MAX, WSAEWOULDBLOCK, 80, SOCKET_ERROR},
                {UINT32_MAX, WSAENETRESET, 1, SOCKET_ERROR}};
    plx__wake wake;
    char byte[4];
    (void)w;
    ck_ok(plx__wake_open(&wake));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        winsock_double_fail(DOUBLE_SEND, 0, ways[i].count, ways[i].os_code);
        plx__wake_send(&wake);
        ck_assert_uint_eq(winsock_double_mend(), ways[i].struck);
        ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), ways[i].got);
    }
    plx__wake_close(&wake);
}

typedef struct meeting {
    plx__mutex mutex;
    plx__condition condition;
    bool is_free; /* The mutex was, while its owner waited; and the condition is met. */
} meeting;

static void meet(void *data)
{
    meeting *m = data;
    plx__mutex_lock(&m->mutex);
    m->is_free = true;
    plx__condition_signal(&m->condition);
    plx__mutex_unlock(&m->mutex);
}

/* Locks and conditions work in whatever memory they are opened; a wait that nobody ends says so,
 * and has the lock again; and joining waits for as long as it takes. */
static void threads_meet(world *w)
{
    meeting m;
    plx__thread thread;
    bool has_been_signalled = true;
    (void)w;
    memset(&m, 0xA5, sizeof m);
    m.is_free = false;
    plx__mutex_open(&m.mutex);
    plx__condition_open(&m.condition);
    ck_assert(plx__mutex_try(&m.mutex));
    ck_assert(!plx__condition_wait(&m.condition, &m.mutex, 1));
    ck_assert(!plx__mutex_try(&m.mutex));
    plx__fault_arm(PLX__FAULT_THREAD, 0, 1);
    ck_assert_int_eq(plx__thread_start(&thread, meet, &m), PLX_ELIMIT);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_THREAD), 1);
    ck_ok(plx__thread_start(&thread, meet, &m));
    while (!m.is_free)
        has_been_signalled = plx__condition_wait(&m.condition, &m.mutex, PLX_FOREVER);
    ck_assert(has_been_signalled);
    plx__mutex_unlock(&m.mutex);
    uint32_t waits = winsock_double_calls(DOUBLE_TURN);
    plx__thread_join(&thread);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_TURN), waits + 1);
    ck_assert_int_eq(winsock_double_timeout(), -1); /* INFINITE */
    plx__condition_close(&m.condition);
    plx__mutex_close(&m.mutex);
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    plx__sleep(1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    ck_assert_int_eq(winsock_double_timeout(), 1);
}

/* --- WSAPoll ---------------------------------------------------------------------------------
 */

static couple full_open(void)
{
    static unsigned char zeroes[1 << 16];
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    do {
        while (plx__socket_send(c.ours.socket, zeroes, sizeof zeroes) > 0)
            continue;
    } while (plx__poll(&entry, 1, 5 * PLX_MILLISECOND) > 0);
    return c;
}

/* No entries are slept for. One that is no socket stays what it is beside those that are parked;
 * and nothing behind the last one is touched. */
static void entries_are_looked_at_alone(world *w)
{
    couple hung = full_open();
    plx__poll_entry entries[3] = {{.fd = hung.ours.socket, .events = PLX__POLL_WRITE},
                                  {.fd = INVALID_SOCKET, .events = PLX__POLL_WRITE},
                                  {.fd = hung.ours.socket, .events = PLX__POLL_WRITE}};
    (void)w;
    ck_assert_int_eq(plx__poll(entries, 0, 7 * PLX_MILLISECOND), 0);
    ck_assert_int_eq(winsock_double_timeout(), 7);
    peer_shutdown(&hung.theirs);
    ck_assert_int_eq(plx__poll(entries, 1, 5 * PLX_MILLISECOND), 0);
    for (int i = 0; i < 2; i++) {
        entries[2].revents = POLLHUP;
        ck_assert_int_eq(plx__poll(entries, 2, 5 * PLX_MILLISECOND), 1);
        ck_assert_uint_eq(entries[2].fd, hung.ours.socket);
        ck_assert_int_eq(entries[2].revents, POLLHUP);
        ck_assert_uint_eq(entries[0].fd, hung.ours.socket);
        ck_assert_int_eq(entries[0].revents, 0);
        ck_assert_uint_eq(entries[1].fd, INVALID_SOCKET);
        ck_assert_int_eq(entries[1].revents, POLLNVAL);
    }
    winsock_double_fail(DOUBLE_POLL, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__poll(entries, 2, 0), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(entries[1].revents, 0);
    ck_assert_int_eq(entries[2].revents, POLLHUP);
    ck_assert_int_eq(plx__poll(entries, 1, 0), 0); /* Hung alone, it is cleared alone. */
    ck_assert_int_eq(entries[1].revents, 0);
    entries[1] = entries[2];
    entries[1].revents = POLLHUP;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(plx__poll(entries, 1, (uint64_t)i * 5 * PLX_MILLISECOND), 0);
        ck_assert_uint_eq(entries[1].fd, hung.ours.socket);
        ck_assert_int_eq(entries[1].revents, POLLHUP);
    }
    couple_close(&hung);
}

/* One that hung up and has nothing to receive so far is no reset; one whose receiving fails is. */
static void receiving_tells_resets_from_ends(world *w)
{
    couple hung = full_open();
    plx__poll_entry entry = {.fd = hung.ours.socket, .events = PLX__POLL_WRITE};
    (void)w;
    peer_shutdown(&hung.theirs);
    ck_assert_int_eq(plx__poll(&entry, 1, 5 * PLX_MILLISECOND), 0);
    winsock_double_fail(DOUBLE_READ, 0, 1, WSAEWOULDBLOCK);
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    winsock_double_fail(DOUBLE_READ, 0, 1, WSAECONNABORTED);
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 1);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(entry.revents, POLLHUP | POLLERR);
    couple_close(&hung);
}

static void timeout_read(void *data)
{
    *(int64_t *)data = winsock_double_timeout();
}

/* Where WSAPoll reports no refusals, select() is asked at once about those that want to write, and
 * about no others. */
static void only_writers_may_be_refused(world *w)
{
    winsock_double_build(19040); /* Before it is asked for. */
    couple full = full_open();
    couple idle = couple_open();
    plx__poll_entry entries[3] = {{.fd = idle.ours.socket, .events = PLX__POLL_READ},
                                  {.fd = full.ours.socket, .events = PLX__POLL_WRITE},
                                  {.fd = idle.theirs.socket, .events = PLX__POLL_READ}};
    int64_t timeout = 99;
    (void)w;
    uint32_t selects = winsock_double_calls(DOUBLE_SELECT);
    winsock_double_act(DOUBLE_SELECT, 0, 1, 0, timeout_read, &timeout);
    ck_assert_int_eq(plx__poll(entries, 3, 0), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(timeout, 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SELECT), selects + 1);
    couple_close(&full);
    couple_close(&idle);
}

/* --- select() --------------------------------------------------------------------------------
 */

/* The order of the entries does not matter, in any of the three sets: here they go downwards. */
static void sets_are_searched_in_any_order(world *w)
{
    enum { MANY = 40 };
    static couple couples[MANY];
    peer refused[MANY];
    plx__poll_entry entries[2 * MANY];
    void *scratch = NULL;
    (void)w;
    for (int i = 0; i < MANY; i++) {
        couples[i] = couple_open();
        refused[i] = peer_refused();
        ck_assert_int_eq(plx__socket_send(couples[i].theirs.socket, "x", 1), 1);
    }
    for (int i = 0; i < MANY; i++) {
        entries[2 * MANY - 1 - 2 * i] = (plx__poll_entry){
            .fd = couples[i].ours.socket, .events = PLX__POLL_READ | PLX__POLL_WRITE};
        entries[2 * MANY - 2 - 2 * i] =
            (plx__poll_entry){.fd = refused[i].socket, .events = PLX__POLL_WRITE};
    }
    ck_ok(plx__select_reserve(&scratch, 4, 2 * (size_t)MANY));
    uint64_t until = plx__clock_now() + patience();
    int right;
    do {
        right = 0;
        ck_assert_uint_lt(plx__clock_now(), until);
        (void)plx__select(entries, 2 * (size_t)MANY, PLX_MILLISECOND, scratch);
        for (int i = 0; i < MANY; i++) {
            right += entries[2 * MANY - 1 - 2 * i].revents == (PLX__POLL_READ | PLX__POLL_WRITE);
            right += (entries[2 * MANY - 2 - 2 * i].revents & POLLERR) != 0;
        }
    } while (right < 2 * MANY);
    plx__free(scratch);
    for (int i = 0; i < MANY; i++) {
        couple_close(&couples[i]);
        peer_close(&refused[i]);
    }
}

/* The sets take as many as there is room for, to the last; and what stands behind the entries is
 * neither asked about nor told. */
static void sets_are_as_large_as_they_say(world *w)
{
    enum { ROOM = 65 };
    plx__poll_entry entries[ROOM + 1];
    couple c = couple_open();
    void *scratch = NULL;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, 4, 1));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_ok(plx__select_reserve(&scratch, 4, ROOM));
    (void)plx__fault_disarm(PLX__FAULT_MEMORY);
    for (int i = 0; i <= ROOM; i++)
        entries[i] = (plx__poll_entry){
            .fd = c.ours.socket, .events = PLX__POLL_READ | PLX__POLL_WRITE, .revents = 99};
    ck_assert_int_eq(plx__select(entries, ROOM, 0, scratch), ROOM);
    ck_assert_int_eq(entries[ROOM].revents, 99);
    winsock_double_fail(DOUBLE_SELECT, 0, 1, WSAENOTSOCK);
    ck_assert_int_eq(plx__select(entries, ROOM, 0, scratch), 0);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(entries[ROOM].revents, 99);
    uint32_t selects = winsock_double_calls(DOUBLE_SELECT);
    entries[0].events = 0;
    ck_assert_int_eq(plx__select(entries, 1, 0, scratch), 0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SELECT), selects);
    plx__free(scratch); /* Which looks whether somebody has written behind it. */
    couple_close(&c);
}

const test_case unit_windows_sockets_cases[] = {
    CASE(tables_are_read_whole),         CASE(other_failures_are_told_as_they_are),
    CASE(listening_sockets_are_adopted), CASE(ports_are_not_shared),
    CASE(short_sends_are_the_last),      CASE(spares_are_had_once),
    CASE(wakes_stay_on_the_loopback),    CASE(dead_wakes_are_made_anew),
    CASE(refused_wakes_are_sent_again),  CASE(threads_meet),
    CASE(entries_are_looked_at_alone),   CASE(receiving_tells_resets_from_ends),
    CASE(only_writers_may_be_refused),   CASE(sets_are_searched_in_any_order),
    CASE(sets_are_as_large_as_they_say), CASES_END,
};
