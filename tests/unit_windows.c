/* tests/unit_windows.c - what platform/windows and the completion port make of a Winsock that
 * behaves as documented: over the double (winsock_double.h), which Wine is not enough for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/os.h"
#include "tests/port_fixture.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_accept_cases[];
extern const test_case unit_windows_afd_cases[];
extern const test_case unit_windows_calls_cases[];
extern const test_case unit_windows_files_cases[];
extern const test_case unit_windows_lists_cases[];
extern const test_case unit_windows_port_cases[];
extern const test_case unit_windows_sockets_cases[];
extern const test_case unit_windows_sweep_cases[];
extern const test_case unit_windows_waits_cases[];
extern const test_case unit_poll_cases[];

static unsigned char zeroes[1 << 20];

static size_t fill(plx_socket socket)
{
    size_t filled = 0;
    for (ptrdiff_t sent; (sent = plx__socket_send(socket, zeroes, sizeof zeroes)) > 0;)
        filled += (size_t)sent;
    return filled;
}

static uint16_t port_of(const char *address)
{
    return (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

/* --- sends -----------------------------------------------------------------------------------
 */

/* Windows takes a send whole, so no call hands over more than a piece; and what is taken arrives,
 * in order, whether it was sent as one run of bytes or as slices. */
static void sends_are_handed_over_in_pieces(world *w)
{
    enum { LENGTH = 16 << 20, SLICE = 100000 };
    static unsigned char bytes[LENGTH];
    static unsigned char received[65536];
    (void)w;
    pattern_fill(bytes, sizeof bytes, 0);
    for (int in_slices = 0; in_slices < 2; in_slices++) {
        couple c = couple_open();
        plx__slice slices[40];
        size_t count = 0;
        for (size_t at = 0; at < LENGTH && count < 40; at += SLICE)
            slices[count++] = plx__slice_of(bytes + at, LENGTH - at < SLICE ? LENGTH - at : SLICE);
        ptrdiff_t taken = in_slices != 0 ? plx__socket_send_slices(c.ours.socket, slices, count)
                                         : plx__socket_send(c.ours.socket, bytes, sizeof bytes);
        ck_assert_int_gt(taken, 0);
        if (in_slices == 0)
            ck_assert_int_lt(taken, LENGTH); /* The rest would have been queued in the system. */
        ck_assert_uint_le(winsock_double_largest_send(), PLX__SEND_MAX);
        peer_shutdown(&c.ours);
        uint64_t until = plx__clock_now() + patience();
        for (size_t at = 0; at < (size_t)taken;) {
            ptrdiff_t got = peer_try(&c.theirs, received, sizeof received);
            ck_assert_uint_lt(plx__clock_now(), until);
            ck_assert_msg(got > 0 || got == PLX_EAGAIN, "%s", plx_error_name((int)got));
            if (got > 0)
                pattern_check(received, (size_t)got, at);
            at += got > 0 ? (size_t)got : 0;
        }
        couple_close(&c);
    }
}

/* --- WSAPoll ---------------------------------------------------------------------------------
 */

/* One that has hung up and is full is parked; others that wait to write are not, and end the wait
 * as soon as they can. The parked one has no part in that: they are asked about in one wait, and
 * not between slices of it. */
static void hang_up_parks_nobody_else(world *w)
{
    (void)w;
    couple hung = couple_open();
    couple other = couple_open();
    plx__poll_entry entries[2] = {
        {.fd = hung.ours.socket, .events = PLX__POLL_WRITE},
        {.fd = other.ours.socket, .events = PLX__POLL_WRITE},
    };
    (void)fill(hung.ours.socket);
    peer_shutdown(&hung.theirs);
    ck_assert_int_eq(plx__poll(entries, 2, patience()), 1);
    ck_assert_int_eq(entries[0].revents, 0);
    ck_assert_int_eq(entries[1].revents, PLX__POLL_WRITE);
    (void)fill(other.ours.socket);
    winsock_double_count_parked(0);
    ck_assert_int_eq(plx__poll(entries, 2, 30 * PLX_MILLISECOND), 0);
    ck_assert_uint_eq(winsock_double_count_parked(0), 1);
    couple_close(&hung);
    couple_close(&other);
}

/* A reset of one that waits only to write, reported as a hang-up alone, ends the wait. */
static void reset_that_looks_like_a_hang_up_is_told(world *w)
{
    (void)w;
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    (void)fill(c.ours.socket);
    peer_reset(&c.theirs);
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    ck_assert_int_eq(entry.revents, POLLHUP | POLLERR);
    couple_close(&c);
}

/* With data in front of it a reset may not be told from the peer's end. Then its owner tries once
 * in a while, and is not parked for ever. */
static void hang_up_is_told_once_in_a_while(world *w)
{
    (void)w;
    couple c = couple_open();
    plx__poll_entry entry = {.fd = c.ours.socket, .events = PLX__POLL_WRITE};
    (void)fill(c.ours.socket);
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    peer_reset(&c.theirs);
    uint64_t until = plx__clock_now() + patience();
    while (plx__poll(&entry, 1, 50 * PLX_MILLISECOND) == 0)
        ck_assert_uint_lt(plx__clock_now(), until);
    ck_assert_int_ne(entry.revents & PLX__POLL_WRITABLE, 0);
    couple_close(&c);
}

/* --- addresses -------------------------------------------------------------------------------
 */

/* What plx_listener_address() prints can be connected to, the address of all addresses too, on
 * every backend. */
static void any_address_is_connectable(world *w)
{
    static const char *const backends[] = {"poll", "select", "iocp"};
    static const char *const addresses[] = {"tcp://0.0.0.0:0", "tcp://[::]:0"};
    for (size_t n = 0; n < 3; n++) {
        w->backend = w->configuration = backends[n];
        w->loop = world_loop_open(w);
        for (size_t i = 0; i < 2; i++) {
            char address[PLX_ADDRESS_TEXT_MAX];
            plx_listener listener;
            plx_conn conn;
            probe p = {0};
            probe client = {0};
            const plx_conn_options accepted = probe_options(&p);
            const plx_listen_options options = {.conn = &accepted};
            const plx_conn_options client_options = probe_options(&client);
            ck_ok(plx_listen(w->loop, &listener, addresses[i], &options));
            ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
            ck_ok(plx_connect(w->loop, &conn, address, &client_options));
            turn_until(w, &client.opened, 1);
            turn_until(w, &p.opened, 1);
        }
        ck_ok(plx_loop_close(w->loop));
        w->loop = NULL;
    }
}

/* A port that the system reserves is not one that somebody has. */
static void reserved_port_is_no_port_in_use(world *w)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "[::1]"};
    char address[PLX_ADDRESS_TEXT_MAX];
    w->loop = world_loop_open(w);
    plx__socket_close(socket_listening(address));
    uint16_t port = port_of(address);
    winsock_double_reserve(port);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(address, sizeof address, "tcp://%s:%u", hosts[i], port);
        ck_assert_int_eq(plx_listen(w->loop, NULL, address, NULL), PLX_EACCES);
        ck_assert_int_eq(plx_os_error(), WSAEACCES);
    }
    winsock_double_reserve(0);
    ck_ok(plx_listen(w->loop, NULL, address, NULL));
}

/* One that somebody has is in use, whichever addresses the two are for; Windows, and Wine, say
 * WSAEACCES for some pairs. */
static void port_in_use_is_in_use(world *w)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0"};
    w->loop = world_loop_open(w);
    for (size_t first = 0; first < 2; first++) {
        for (size_t second = 0; second < 2; second++) {
            char address[PLX_ADDRESS_TEXT_MAX];
            plx_listener listener;
            (void)snprintf(address, sizeof address, "tcp://%s:0", hosts[first]);
            ck_ok(plx_listen(w->loop, &listener, address, NULL));
            ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
            uint16_t port = port_of(address);
            (void)snprintf(address, sizeof address, "tcp://%s:%u", hosts[second], port);
            ck_assert_int_eq(plx_listen(w->loop, NULL, address, NULL), PLX_EADDRINUSE);
            ck_ok(plx_listener_close(w->loop, listener));
        }
    }
}

/* --- the completion port ---------------------------------------------------------------------
 */

/* A send that the driver does not give back when it is cancelled holds up nobody: the endpoint is
 * detached at once, and the bytes are the caller's. What the driver has is the backend's, which
 * ends with it. */
static void detach_survives_a_send_that_does_not_end(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    winsock_double_ignore_cancel(true);
    fixture_open(&f, c.ours.socket);
    const plx__slice all = plx__slice_of(zeroes, sizeof zeroes);
    while (f.ops->send(f.backend, &f.endpoint, &all, 1) > 0)
        continue;
    unsigned char *bytes = plx__allocate(65536);
    const plx__slice slice = plx__slice_of(bytes, 65536);
    memset(bytes, 0x55, 65536);
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    memset(bytes, 0xAA, 65536);
    plx__free(bytes);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    ck_ok(f.ops->wait(f.backend, 10 * PLX_MILLISECOND));
    ck_assert_ptr_null(f.ops->next(f.backend));
    winsock_double_ignore_cancel(false);
    couple_close(&c); /* Which ends it. */
    f.ops->close(f.backend);
}

/* The bytes are the caller's as soon as the send has started; what arrives is what they were. */
static void send_has_a_copy_of_its_bytes(world *w)
{
    enum { PIECE = 65536 };
    static unsigned char bytes[PIECE], received[PIECE];
    fixture f;
    couple c = couple_open();
    size_t filled = 0;
    size_t at = 0;
    size_t wrong = 0;
    (void)w;
    fixture_open(&f, c.ours.socket);
    const plx__slice piece = plx__slice_of(zeroes, PIECE);
    for (ptrdiff_t sent; (sent = f.ops->send(f.backend, &f.endpoint, &piece, 1)) > 0;)
        filled += (size_t)sent;
    const plx__slice slice = plx__slice_of(bytes, PIECE);
    memset(bytes, 0x55, PIECE);
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    memset(bytes, 0xAA, PIECE);
    uint64_t until = plx__clock_now() + patience();
    while (at < filled + PIECE) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_ok(f.ops->wait(f.backend, PLX_MILLISECOND));
        (void)f.ops->next(f.backend);
        ptrdiff_t got = peer_try(&c.theirs, received, PIECE);
        ck_assert_msg(got > 0 || got == PLX_EAGAIN, "%s", plx_error_name((int)got));
        for (ptrdiff_t i = 0; i < got; i++, at++)
            wrong += received[i] != (at < filled ? 0 : 0x55);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

/* A socket whose former owner has set FILE_SKIP_COMPLETION_PORT_ON_SUCCESS keeps it: what succeeds
 * at once is told all the same, in a backend that could not set it itself. */
static void skipping_outlives_its_owner(world *w)
{
    fixture f;
    couple c = couple_open();
    (void)w;
    ck_assert(SetFileCompletionNotificationModes((HANDLE)c.ours.socket, 1));
    winsock_double_refuse_modes(true);
    fixture_open(&f, c.ours.socket);
    const plx__slice slice = plx__slice_of("x", 1);
    ck_ok(f.ops->send_start(f.backend, &f.endpoint, &slice, 1));
    plx__completion completion = fixture_completion(&f);
    ck_assert_int_eq(completion.kind, PLX__SENT);
    ck_assert_uint_eq(completion.length, 1);
    winsock_double_refuse_modes(false);
    ck_assert(f.ops->detach(f.backend, &f.endpoint));
    f.ops->close(f.backend);
    couple_close(&c);
}

static const test_case unit_windows_cases[] = {
    CASE(sends_are_handed_over_in_pieces),
    CASE(hang_up_parks_nobody_else),
    CASE(reset_that_looks_like_a_hang_up_is_told),
    CASE(hang_up_is_told_once_in_a_while),
    CASE(any_address_is_connectable),
    CASE(reserved_port_is_no_port_in_use),
    CASE(port_in_use_is_in_use),
    CASE(detach_survives_a_send_that_does_not_end),
    CASE(send_has_a_copy_of_its_bytes),
    CASE(skipping_outlives_its_owner),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {unit_windows_cases,       unit_windows_accept_cases,
                                              unit_windows_afd_cases,   unit_windows_calls_cases,
                                              unit_windows_files_cases, unit_windows_lists_cases,
                                              unit_windows_port_cases,  unit_windows_sockets_cases,
                                              unit_windows_sweep_cases, unit_windows_waits_cases,
                                              unit_poll_cases,          NULL};
    winsock_double_start(WINSOCK_AS_DOCUMENTED);
    return suite_main(argc, argv, groups, false);
}
