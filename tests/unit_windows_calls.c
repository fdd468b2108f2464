/* tests/unit_windows_calls.c - what platform/windows/socket.c, wake.c and thread.c ask of the
 * system, and what they make of a call that fails. The double counts the calls and has them fail;
 * the harness counts the handles, so that what is left open by a failure is noticed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/os.h"
#include "tests/harness.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_calls_cases[];

static uint32_t descriptors(void)
{
    return plx__fault_held(PLX__FAULT_DESCRIPTOR);
}

static bool is_inherited(plx_socket socket)
{
    DWORD flags = 0;
    ck_assert(GetHandleInformation((HANDLE)socket, &flags));
    return (flags & HANDLE_FLAG_INHERIT) != 0;
}

static int option_read(plx_socket socket, int level, int name)
{
    int value = 0;
    int size = sizeof value;
    ck_ok(getsockopt(socket, level, name, (char *)&value, &size));
    return value;
}

/* --- sockets ---------------------------------------------------------------------------------
 */

static void opening_that_fails_leaves_nothing(world *w)
{
    plx_socket socket = PLX_SOCKET_NONE;
    uint32_t before = descriptors();
    (void)w;
    winsock_double_fail(DOUBLE_SOCKET, 0, 1, WSAEMFILE);
    ck_assert_int_eq(plx__socket_open(&socket, PLX__FAMILY_IPV4), PLX_EMFILE);
    winsock_double_fail(DOUBLE_NON_BLOCKING, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_open(&socket, PLX__FAMILY_IPV4), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(descriptors(), before);
    ck_ok(plx__socket_open(&socket, PLX__FAMILY_IPV6));
    ck_assert_uint_eq(descriptors(), before + 1);
    ck_assert(!is_inherited(socket));
    plx__socket_close(socket);
    ck_assert_uint_eq(descriptors(), before);
}

/* Waits until the listener has somebody, and accepts; returns the code. */
static int accept_one(plx_socket listener, plx_socket *socket_out)
{
    plx__poll_entry entry = {.fd = listener, .events = PLX__POLL_READ};
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    return plx__socket_accept(listener, socket_out);
}

static void accepting_that_fails_leaves_nothing(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket accepted = PLX_SOCKET_NONE;
    plx_socket listener = socket_listening(address);
    peer first = peer_start(address);
    (void)w;
    winsock_double_fail(DOUBLE_ACCEPT, 0, 1, WSAECONNRESET);
    ck_assert_int_eq(accept_one(listener, &accepted), PLX_ECONNABORTED);
    winsock_double_fail(DOUBLE_ACCEPT, 0, 1, WSAEMFILE);
    ck_assert_int_eq(accept_one(listener, &accepted), PLX_EMFILE);
    winsock_double_fail(DOUBLE_NON_BLOCKING, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(accept_one(listener, &accepted), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(accepted, PLX_SOCKET_NONE);
    peer_close(&first);
    plx__socket_close(listener);
}

/* An accepted socket has its listener's NO_DELAY, does not block, and is no child's. */
static void accepted_sockets_are_as_opened_ones(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    char byte;
    plx_socket listener = socket_listening(address);
    (void)w;
    for (int is_set = 0; is_set < 2; is_set++) {
        plx_socket accepted;
        uint32_t before = descriptors();
        ck_ok(plx__socket_set(listener, PLX__SOCKET_NO_DELAY, is_set));
        ck_assert(SetHandleInformation((HANDLE)listener, HANDLE_FLAG_INHERIT, 1));
        peer client = peer_start(address);
        ck_ok(accept_one(listener, &accepted));
        ck_assert_uint_eq(descriptors(), before + 2);
        ck_assert_int_eq(option_read(accepted, IPPROTO_TCP, TCP_NODELAY) != 0, is_set);
        ck_assert_int_eq(plx__socket_receive(accepted, &byte, 1), PLX_EAGAIN);
        ck_assert(!is_inherited(accepted));
        plx__socket_close(accepted);
        peer_close(&client);
    }
    plx__socket_close(listener);
}

static void adopting_makes_a_socket_ours(world *w)
{
    plx_socket datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    plx_socket stream;
    couple c = couple_open();
    u_long off = 0;
    char byte;
    uint32_t before = descriptors();
    (void)w;
    ck_assert_int_eq(plx__socket_adopt(datagrams), PLX_EINVAL);
    (void)closesocket(datagrams);
    ck_ok(plx__socket_open(&stream, PLX__FAMILY_IPV4));
    ck_assert_int_eq(plx__socket_adopt(stream), PLX_ENOTCONN);
    plx__socket_close(stream);
    winsock_double_fail(DOUBLE_GET, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_adopt(c.ours.socket), PLX_ENOBUFS);
    winsock_double_fail(DOUBLE_GET, 1, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_adopt(c.ours.socket), PLX_ENOBUFS);
    winsock_double_fail(DOUBLE_NON_BLOCKING, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_adopt(c.ours.socket), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(descriptors(), before);
    ck_ok(ioctlsocket(c.ours.socket, (long)FIONBIO, &off));
    ck_assert(SetHandleInformation((HANDLE)c.ours.socket, HANDLE_FLAG_INHERIT, 1));
    ck_ok(plx__socket_adopt(c.ours.socket));
    ck_assert_uint_eq(descriptors(), before + 1);
    ck_assert_int_eq(plx__socket_receive(c.ours.socket, &byte, 1), PLX_EAGAIN);
    ck_assert(!is_inherited(c.ours.socket));
    plx__socket_disown(c.ours.socket);
    ck_assert_uint_eq(descriptors(), before);
    couple_close(&c);
}

static void options_are_set(world *w)
{
    plx_socket socket;
    struct linger linger;
    int size = sizeof linger;
    (void)w;
    ck_ok(plx__socket_open(&socket, PLX__FAMILY_IPV6));
    for (int value = 1; value >= 0; value--) {
        ck_ok(plx__socket_set(socket, PLX__SOCKET_NO_DELAY, value));
        ck_assert_int_eq(option_read(socket, IPPROTO_TCP, TCP_NODELAY) != 0, value);
        ck_ok(plx__socket_set(socket, PLX__SOCKET_ONLY_IPV6, value));
        ck_assert_int_eq(option_read(socket, IPPROTO_IPV6, IPV6_V6ONLY) != 0, value);
        ck_ok(plx__socket_set(socket, PLX__SOCKET_RESET_ON_CLOSE, value));
        ck_ok(getsockopt(socket, SOL_SOCKET, SO_LINGER, (char *)&linger, &size));
        ck_assert_int_eq(linger.l_onoff != 0, value);
        ck_assert_int_eq(linger.l_linger, 0);
    }
    for (int bytes = 1 << 14; bytes <= 1 << 16; bytes *= 2) {
        ck_ok(plx__socket_set(socket, PLX__SOCKET_SEND_BYTES, bytes));
        ck_ok(plx__socket_set(socket, PLX__SOCKET_RECEIVE_BYTES, 2 * bytes));
        int sends = option_read(socket, SOL_SOCKET, SO_SNDBUF);
        int receives = option_read(socket, SOL_SOCKET, SO_RCVBUF);
        ck_assert(sends == bytes || sends == 2 * bytes); /* Linux, under Wine, doubles it. */
        ck_assert(receives == 2 * bytes || receives == 4 * bytes);
    }
    ck_assert_int_eq(option_read(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE), 0);
    ck_ok(plx__socket_set(socket, PLX__SOCKET_LISTEN_ALONE, 1));
    ck_assert_int_ne(option_read(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE), 0);
    ck_assert_int_eq(plx__socket_set(socket, PLX__SOCKET_DEFER_ACCEPT, 1), PLX_ENOSYS);
    winsock_double_fail(DOUBLE_SET, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_set(socket, PLX__SOCKET_NO_DELAY, 1), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    plx__socket_close(socket);
}

/* What is no socket, in three ways. */
static void what_is_no_socket_is_told(world *w)
{
    couple c = couple_open();
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    plx_socket gone = c.ours.socket;
    (void)w;
    ck_ok(plx__socket_check(gone));
    ck_assert_int_eq(plx__socket_check((plx_socket)event), PLX_ENOTSOCK);
    ck_assert_int_eq(plx__socket_check(INVALID_SOCKET), PLX_EBADF);
    couple_close(&c);
    ck_assert_int_eq(plx__socket_check(gone), PLX_EBADF);
    (void)CloseHandle(event);
}

static void backlog_has_a_bound(world *w)
{
    static const uint32_t asked[] = {1, 128, 65534, 65535, 65536, UINT32_MAX};
    static const int given[] = {1, 128, 65534, 65535, 65535, 65535};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    (void)w;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        ck_ok(plx__socket_listen(listener, asked[i]));
        ck_assert_int_eq(winsock_double_backlog(), given[i]);
    }
    plx__socket_close(listener);
}

/* --- addresses -------------------------------------------------------------------------------
 */

static int bind_at(const char *text)
{
    plx__address address;
    plx_socket socket;
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__socket_open(&socket, address.family));
    int status = plx__socket_bind(socket, &address);
    plx__socket_close(socket);
    return status;
}

/* A bind that is refused as forbidden: either of the two wildcards, or the table of the system's
 * sockets, may tell that somebody has the port. The double refuses the port to all that ask, but to
 * the probe that is to be told otherwise. */
static void forbidden_bind_is_looked_into(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    uint16_t port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
    (void)w;
    winsock_double_reserve(port);
    uint32_t tables = winsock_double_calls(DOUBLE_TABLE);
    uint32_t options = winsock_double_calls(DOUBLE_SET);
    for (uint32_t asked = 1; asked <= 2; asked++) {
        winsock_double_fail(DOUBLE_BIND, asked, 1, WSAEADDRINUSE);
        ck_assert_int_eq(bind_at(address), PLX_EADDRINUSE);
        ck_assert_uint_eq(winsock_double_mend(), 1);
    }
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_TABLE), tables);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SET), options + 3); /* Exclusively, each. */
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_INHERITED), 0);
    winsock_double_reserve(0);
    winsock_double_fail(DOUBLE_BIND, 0, 1, WSAEACCES);
    ck_assert_int_eq(bind_at(address), PLX_EADDRINUSE); /* The first wildcard meets it. */
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_TABLE), tables);
    winsock_double_reserve(port);
    winsock_double_rows(&port, 1, 1); /* The true one may lack a row while others come and go. */
    /* The table has it; it may have grown while it was read, but not for ever. */
    winsock_double_fail(DOUBLE_TABLE, 0, 1, ERROR_INSUFFICIENT_BUFFER);
    ck_assert_int_eq(bind_at(address), PLX_EADDRINUSE);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    tables = winsock_double_calls(DOUBLE_TABLE);
    winsock_double_fail(DOUBLE_TABLE, 0, UINT32_MAX, ERROR_INSUFFICIENT_BUFFER);
    ck_assert_int_eq(bind_at(address), PLX_EACCES);
    (void)winsock_double_mend();
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_TABLE), tables + 8);
    winsock_double_fail(DOUBLE_TABLE, 0, UINT32_MAX, ERROR_NOT_SUPPORTED);
    ck_assert_int_eq(bind_at(address), PLX_EACCES);
    winsock_double_fail(DOUBLE_FIND, 0, 2, ERROR_PROC_NOT_FOUND);
    ck_assert_int_eq(bind_at(address), PLX_EACCES);
    winsock_double_fail(DOUBLE_SOCKET, 1, 2, WSAEMFILE); /* No probes: the table tells. */
    ck_assert_int_eq(bind_at(address), PLX_EADDRINUSE);
    ck_assert_uint_eq(winsock_double_mend(), 2);
    for (uint32_t allocation = 0; allocation < 2; allocation++) {
        plx__fault_arm(PLX__FAULT_MEMORY, allocation, 1);
        (void)bind_at(address);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
    plx__socket_close(listener);
    winsock_double_rows(&port, 0, 0);
    ck_assert_int_eq(bind_at(address), PLX_EACCES); /* Nobody has it. */
    winsock_double_rows(NULL, 0, 0);
    winsock_double_reserve(0);
    ck_ok(bind_at("tcp://127.0.0.1:0"));
    winsock_double_fail(DOUBLE_BIND, 0, 1, WSAEADDRNOTAVAIL);
    ck_assert_int_eq(bind_at(address), PLX_EADDRNOTAVAIL);
    ck_assert_uint_eq(winsock_double_mend(), 1);
}

/* The same for one of IPv6 alone, which only the second wildcard and the second table know. */
static void forbidden_bind_knows_both_families(world *w)
{
    plx__address address;
    plx_socket listener;
    char text[PLX_ADDRESS_TEXT_MAX];
    (void)w;
    ck_ok(plx__address_parse(&address, "tcp://[::1]:0"));
    ck_ok(plx__socket_open(&listener, address.family));
    ck_ok(plx__socket_bind(listener, &address));
    ck_ok(plx__socket_listen(listener, 1));
    ck_ok(plx__socket_name(listener, &address));
    ck_ok(plx__address_print(&address, text, sizeof text));
    winsock_double_reserve((uint16_t)strtoul(strrchr(text, ':') + 1, NULL, 10));
    uint64_t until = plx__clock_now() + patience();
    while (bind_at(text) != PLX_EADDRINUSE) /* The true table may lack a row for a moment. */
        ck_assert_uint_lt(plx__clock_now(), until);
    winsock_double_reserve(0);
    uint32_t tables = winsock_double_calls(DOUBLE_TABLE);
    winsock_double_fail(DOUBLE_BIND, 0, 1, WSAEACCES);
    ck_assert_int_eq(bind_at(text), PLX_EADDRINUSE); /* The second wildcard meets it. */
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_TABLE), tables);
    plx__socket_close(listener);
}

/* --- connecting ------------------------------------------------------------------------------
 */

/* On the loopback, and there alone, a refusal is not asked about again: SIO_TCP_INITIAL_RTO with
 * no time of its own (0xFFFF) and no retransmissions (0xFE). */
static void refusals_are_final_on_the_loopback(world *w)
{
    static const struct {
        const char *address;
        bool is_loopback;
    } cases[] = {
        {"tcp://127.0.0.1:1", true},     {"tcp://127.255.1.2:1", true},
        {"tcp://126.0.0.1:1", false},    {"tcp://128.0.0.1:1", false},
        {"tcp://1.0.0.127:1", false},    {"tcp://[::1]:1", true},
        {"tcp://[::2]:1", false},        {"tcp://[2001:db8::1]:1", false},
        {"unix:some-file-there", false},
    };
    const DWORD code = _WSAIOW(IOC_VENDOR, 17);
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const unsigned char expected[3] = {0xFF, 0xFF, 0xFE};
        plx__address address;
        plx_socket socket;
        unsigned char given[4];
        ck_ok(plx__address_parse(&address, cases[i].address));
        ck_ok(plx__socket_open(&socket, address.family));
        uint32_t before = winsock_double_calls(DOUBLE_IOCTL);
        plx__socket_connect_prepare(socket, &address);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_IOCTL) - before, cases[i].is_loopback);
        if (cases[i].is_loopback) {
            ck_assert(winsock_double_ioctl(code, given));
            ck_assert_mem_eq(given, expected, sizeof expected);
        }
        plx__socket_close(socket);
    }
}

static void any_address_is_aimed_at_the_loopback(world *w)
{
    static const char *const pairs[][2] = {
        {"tcp://0.0.0.0:7", "tcp://127.0.0.1:7"}, {"tcp://[::]:7", "tcp://[::1]:7"},
        {"tcp://0.0.0.1:7", "tcp://0.0.0.1:7"},   {"tcp://10.0.0.1:7", "tcp://10.0.0.1:7"},
        {"tcp://[::3]:7", "tcp://[::3]:7"},       {"unix:somewhere", "unix:somewhere"},
    };
    (void)w;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        plx__address address;
        char text[PLX_ADDRESS_TEXT_MAX];
        ck_ok(plx__address_parse(&address, pairs[i][0]));
        plx__socket_connect_aim(&address);
        ck_ok(plx__address_print(&address, text, sizeof text));
        ck_assert_str_eq(text, pairs[i][1]);
    }
}

static void connecting_tells_what_failed(world *w)
{
    couple c = couple_open();
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx_socket socket;
    plx_socket listener = socket_listening(text);
    (void)w;
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__socket_open(&socket, address.family));
    uint32_t before = winsock_double_calls(DOUBLE_IOCTL);
    winsock_double_fail(DOUBLE_CONNECT, 0, 1, WSAENETUNREACH);
    ck_assert_int_eq(plx__socket_connect(socket, &address), PLX_ENETUNREACH);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_IOCTL), before + 1);
    ck_assert_int_eq(plx__socket_connect_result(socket), PLX_ECONNRESET); /* It has no peer. */
    ck_ok(plx__socket_connect_result(c.ours.socket));
    winsock_double_fail(DOUBLE_GET, 0, 1, WSAENOBUFS);
    ck_assert_int_eq(plx__socket_connect_result(c.ours.socket), PLX_ENOBUFS);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    plx__socket_close(socket);
    plx__socket_close(listener);
    couple_close(&c);
}

/* --- sending ---------------------------------------------------------------------------------
 */

static unsigned char bytes[200000];

/* Receives what was sent, which has to be the pattern from its beginning. */
static void pattern_receive(peer *from, size_t length)
{
    static unsigned char received[65536];
    uint64_t until = plx__clock_now() + patience();
    for (size_t at = 0; at < length;) {
        ptrdiff_t got = peer_try(from, received, sizeof received);
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_msg(got > 0 || got == PLX_EAGAIN, "%s", plx_error_name((int)got));
        if (got > 0)
            pattern_check(received, (size_t)got, at);
        at += got > 0 ? (size_t)got : 0;
    }
}

/* So many slices of this length are sent by so many calls, and arrive. */
static void check_calls(size_t count, size_t length, uint32_t calls)
{
    couple c = couple_open();
    plx__slice slices[40];
    for (size_t i = 0; i < count; i++)
        slices[i] = plx__slice_of(bytes + i * length, length);
    uint32_t before = winsock_double_calls(DOUBLE_SEND);
    ck_assert_int_eq(plx__socket_send_slices(c.ours.socket, slices, count),
                     (ptrdiff_t)(count * length));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SEND) - before, calls);
    pattern_receive(&c.theirs, count * length);
    couple_close(&c);
}

/* A piece is 16 slices or 64 KiB, whichever is less: not one call more, and not a byte lost. */
static void slices_make_pieces(world *w)
{
    (void)w;
    pattern_fill(bytes, sizeof bytes, 0);
    check_calls(0, 0, 0);
    check_calls(1, 1, 1);
    check_calls(15, 10, 1);
    check_calls(16, 10, 1);
    check_calls(17, 10, 2);
    check_calls(33, 10, 3);
    check_calls(1, 65535, 1);
    check_calls(1, 65536, 1);
    check_calls(2, 32768, 1);
    check_calls(2, 32769, 2);
    check_calls(16, 4096, 1);
    check_calls(17, 4096, 2);
}

/* What was sent before a call failed counts; when it is the first, its code does, unless it says
 * that there is no room. */
static void sends_that_fail_tell_what_went(world *w)
{
    couple c = couple_open();
    plx__slice slices[40];
    (void)w;
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < 40; i++)
        slices[i] = plx__slice_of(bytes + i * 100, 100);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAECONNRESET);
    ck_assert_int_eq(plx__socket_send_slices(c.ours.socket, slices, 40), PLX_ECONNRESET);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAEWOULDBLOCK);
    ck_assert_int_eq(plx__socket_send_slices(c.ours.socket, slices, 40), 0);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAECONNRESET);
    ck_assert_int_eq(plx__socket_send(c.ours.socket, bytes, 3 * PLX__SEND_MAX), PLX_ECONNRESET);
    winsock_double_fail(DOUBLE_SEND, 0, 1, WSAEWOULDBLOCK);
    ck_assert_int_eq(plx__socket_send(c.ours.socket, bytes, 3 * PLX__SEND_MAX), 0);
    winsock_double_fail(DOUBLE_SEND, 1, 1, WSAECONNRESET);
    ck_assert_int_eq(plx__socket_send_slices(c.ours.socket, slices, 40), 1600);
    pattern_receive(&c.theirs, 1600);
    winsock_double_fail(DOUBLE_SEND, 1, 1, WSAECONNRESET);
    ck_assert_int_eq(plx__socket_send(c.ours.socket, bytes, 3 * PLX__SEND_MAX), PLX__SEND_MAX);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    pattern_receive(&c.theirs, PLX__SEND_MAX);
    /* In as many calls as there are pieces. */
    static const size_t lengths[] = {65535, 65536, 65537, 131072, 131073};
    static const uint32_t calls[] = {1, 1, 2, 2, 3};
    for (size_t i = 0; i < 5; i++) {
        uint32_t before = winsock_double_calls(DOUBLE_SEND);
        ck_assert_int_eq(plx__socket_send(c.ours.socket, bytes, lengths[i]), (ptrdiff_t)lengths[i]);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_SEND) - before, calls[i]);
        pattern_receive(&c.theirs, lengths[i]);
    }
    couple_close(&c);
    ck_assert_int_eq(plx__socket_shutdown(c.ours.socket), PLX_ENOTSOCK);
}

/* --- wakes and threads -----------------------------------------------------------------------
 */

static void wake_that_fails_to_open_leaves_nothing(world *w)
{
    static const enum winsock_double_call calls[] = {DOUBLE_SOCKET, DOUBLE_BIND, DOUBLE_NAME,
                                                     DOUBLE_CONNECT, DOUBLE_NON_BLOCKING};
    uint32_t before = descriptors();
    unsigned char given[4];
    plx__wake wake;
    (void)w;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        winsock_double_fail(calls[i], 0, 1, WSAENOBUFS);
        ck_assert_int_eq(plx__wake_open(&wake), PLX_ENOBUFS);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_uint_eq(descriptors(), before);
        plx__wake_close(&wake); /* It has none. */
    }
    uint32_t controls = winsock_double_calls(DOUBLE_IOCTL);
    ck_ok(plx__wake_open(&wake));
    ck_assert_uint_eq(descriptors(), before + 1);
    ck_assert(!is_inherited(wake.reader));
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_IOCTL), controls + 2);
    for (DWORD code = 12; code <= 15; code += 3) { /* SIO_UDP_CONNRESET and SIO_UDP_NETRESET */
        ck_assert(winsock_double_ioctl(_WSAIOW(IOC_VENDOR, code), given));
        ck_assert_mem_eq(given, "\0\0\0\0", 4);
    }
    plx__wake_close(&wake);
    ck_assert_uint_eq(wake.reader, PLX_SOCKET_NONE);
    ck_assert_uint_eq(wake.writer, PLX_SOCKET_NONE);
}

/* One call drains 64 wakes; with more the reader stays readable. One that cannot be made anew stays
 * what it was. */
static void wake_is_drained_in_bounds(world *w)
{
    plx__wake wake;
    char byte[4];
    bool is_renewed = true;
    (void)w;
    ck_ok(plx__wake_open(&wake));
    for (int sent = 0; sent < 66; sent++)
        plx__wake_send(&wake);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(!is_renewed);
    ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), 1);
    ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), 1);
    ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), SOCKET_ERROR);
    plx_socket before = wake.reader;
    plx__fault_arm(PLX__FAULT_WAKE, 0, 1);
    winsock_double_fail(DOUBLE_SOCKET, 0, 1, WSAEMFILE);
    ck_assert_int_eq(plx__wake_drain(&wake, &is_renewed), PLX_EMFILE);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert(!is_renewed);
    ck_assert_uint_eq(wake.reader, before);
    plx__fault_arm(PLX__FAULT_WAKE, 0, 1);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(is_renewed);
    (void)plx__fault_disarm(PLX__FAULT_WAKE);
    ck_assert_uint_eq(wake.reader, wake.writer);
    plx__wake_send(&wake);
    ck_assert_int_eq(recv(wake.reader, byte, sizeof byte, 0), 1);
    plx__wake_close(&wake);
}

static void set_one(void *data)
{
    plx__atomic_store((plx__atomic_u32 *)data, 1);
}

static void threads_fail_to_start(world *w)
{
    plx__thread thread;
    plx__atomic_u32 has_run = {0};
    plx__mutex mutex;
    (void)w;
    winsock_double_fail(DOUBLE_THREAD, 0, 1, ERROR_NOT_ENOUGH_MEMORY);
    ck_assert_int_eq(plx__thread_start(&thread, set_one, &has_run), PLX_ELIMIT);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(plx_os_error(), ERROR_NOT_ENOUGH_MEMORY);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(plx__thread_start(&thread, set_one, &has_run), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert_uint_eq(plx__atomic_load(&has_run), 0);
    ck_ok(plx__thread_start(&thread, set_one, &has_run));
    plx__thread_join(&thread);
    ck_assert_uint_eq(plx__atomic_load(&has_run), 1);
    plx__mutex_open(&mutex);
    ck_assert(plx__mutex_try(&mutex));
    ck_assert(!plx__mutex_try(&mutex));
    plx__mutex_unlock(&mutex);
    ck_assert(plx__mutex_try(&mutex));
    plx__mutex_unlock(&mutex);
    uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
    plx__sleep(0);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps);
    uint64_t before = plx__clock_now();
    plx__sleep(5 * PLX_MILLISECOND);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP), sleeps + 1);
    ck_assert_uint_ge(plx__clock_now() - before, 4 * PLX_MILLISECOND);
}

const test_case unit_windows_calls_cases[] = {
    CASE(opening_that_fails_leaves_nothing),
    CASE(accepting_that_fails_leaves_nothing),
    CASE(accepted_sockets_are_as_opened_ones),
    CASE(adopting_makes_a_socket_ours),
    CASE(options_are_set),
    CASE(what_is_no_socket_is_told),
    CASE(backlog_has_a_bound),
    CASE(forbidden_bind_is_looked_into),
    CASE(forbidden_bind_knows_both_families),
    CASE(refusals_are_final_on_the_loopback),
    CASE(any_address_is_aimed_at_the_loopback),
    CASE(connecting_tells_what_failed),
    CASE(slices_make_pieces),
    CASE(sends_that_fail_tell_what_went),
    CASE(wake_that_fails_to_open_leaves_nothing),
    CASE(wake_is_drained_in_bounds),
    CASE(threads_fail_to_start),
    CASES_END,
};
