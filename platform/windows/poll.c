/* platform/windows/poll.c - WSAPoll, made to keep poll()'s contract.
 *
 * What it does otherwise, and what is done about it here (the numbers are the rows of the table
 * "WSAPoll" in docs/windows.md, where the sources stand):
 *  1  Before Windows 10 2004 (19041) a failed connect is never reported. There, entries that wait
 *     to write are also asked by select(), whose exceptfds knows, in slices of WAIT_SLICE.
 *  4  Asking for POLLPRI, POLLERR, POLLHUP, POLLNVAL or POLLWRBAND fails the whole call. The
 *     entries ask for PLX__POLL_READ and PLX__POLL_WRITE only.
 *  6  A hang-up cannot be masked, and is reported as soon as the peer has shut its sending side. An
 *     entry that waits only to write would make the wait return at once for as long as the peer
 *     reads slowly. Such entries, and no others, are parked for a slice at a time.
 *  8  An empty set is an error, not a sleep.
 *  9  A negative descriptor says POLLNVAL, though it is documented to be ignored. It does not end
 *     the wait, which is what parking needs.
 * 10  A closed socket among others says POLLNVAL but does not count: all entries are looked at,
 *     whatever was returned. When all are closed the call fails, with the entries filled in.
 * 16  Waits end at ticks of up to 15.6 ms and may end early: the clock is looked at again.
 */
#include <string.h>

#include "platform/os.h"
#include "platform/test_system.h"

#define WAIT_SLICE  (10 * PLX_MILLISECOND)
#define HANG_UP_MAX PLX_SECOND

#ifdef _MSC_VER
#define PLX__THREAD_LOCAL __declspec(thread)
#else
#define PLX__THREAD_LOCAL _Thread_local
#endif

#define FIRST_BUILD_THAT_REPORTS_REFUSALS 19041

static plx__atomic_u32 refusals; /* Whether they are reported: 0 unknown, 1 no, 2 yes. */

#ifdef PLX_FAULTS
void plx__test_old_poll(bool is_old)
{
    plx__atomic_store(&refusals, is_old ? 1 : 2);
}
#endif

typedef LONG(WINAPI *rtl_get_version)(OSVERSIONINFOW *);

/* GetVersionEx answers with what the manifest claims; this one answers with the truth. */
static bool refusals_are_reported(void)
{
    uint32_t known = plx__atomic_load(&refusals);
    if (known == 0) {
        OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
        HMODULE library = GetModuleHandleW(L"ntdll.dll"); /* Every process has it. */
        FARPROC found = GetProcAddress(library, "RtlGetVersion");
        rtl_get_version get_version = NULL;
        memcpy(&get_version, &found, sizeof found); /* No cast leads from one to the other. */
        if (get_version != NULL)
            (void)get_version(&version);
        known = version.dwBuildNumber >= FIRST_BUILD_THAT_REPORTS_REFUSALS ? 2 : 1;
        plx__atomic_store(&refusals, known);
    }
    return known == 2;
}

static bool wants_only_to_write(const plx__poll_entry *entry)
{
    return (entry->events & PLX__POLL_READ) == 0;
}

/* Row 1. */
static bool connect_has_failed(SOCKET socket)
{
    struct timeval at_once = {0, 0};
    fd_set failed;
    failed.fd_array[0] = socket;
    failed.fd_count = 1;
    return select(0, NULL, NULL, &failed, &at_once) == 1;
}

static int refusals_find(plx__poll_entry *entries, size_t count)
{
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        if ((entries[i].events & PLX__POLL_WRITE) != 0 && connect_has_failed(entries[i].fd)) {
            entries[i].revents = POLLERR;
            found++;
        }
    }
    return found;
}

static bool any_waits_to_write(const plx__poll_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((entries[i].events & PLX__POLL_WRITE) != 0)
            return true;
    }
    return false;
}

/* One call of WSAPoll. Rows 8 and 10. */
static int poll_call(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
    if (WSAPoll(entries, (ULONG)count, (INT)plx__milliseconds(timeout_ns)) != SOCKET_ERROR)
        return 0;
    int status = plx__fail_last();
    if (status == PLX_ENOTSOCK)
        return 0; /* All are closed, and their entries say so. */
    if (status == PLX_ENOBUFS) {
        /* The system is short of memory for a moment. Nothing is ready; do not spin on it. */
        for (size_t i = 0; i < count; i++)
            entries[i].revents = 0;
        Sleep(1);
        return 0;
    }
    return status;
}

/* Row 6. A hang-up is the peer's end, or a reset: WSAPOLLFD's documentation has one bit for both.
 * Winsock tells a reset by POLLERR as well (Wine, ws2_32/tests/sock.c, test_tcp_reset); where it
 * does not, a look at what there is to receive does. It never blocks on a socket that hung up. */
static bool is_reset(SOCKET socket)
{
    char byte;
    return recv(socket, &byte, sizeof byte, MSG_PEEK) == SOCKET_ERROR &&
           WSAGetLastError() != WSAEWOULDBLOCK;
}

/* Row 6: whether all that an entry says is that the peer has shut its side, to one who asks only
 * for room to write. */
static bool is_hung(const plx__poll_entry *entry)
{
    return entry->revents == POLLHUP && wants_only_to_write(entry);
}

/* How many entries are ready. Hung ones are not; `*hung_out` counts them. */
static int entries_count(plx__poll_entry *entries, size_t count, int *hung_out)
{
    int ready = 0;
    *hung_out = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].revents == 0)
            continue;
        if (!is_hung(&entries[i])) {
            ready++;
        } else if (is_reset(entries[i].fd)) {
            entries[i].revents |= POLLERR;
            ready++;
        } else {
            ++*hung_out;
        }
    }
    return ready;
}

static void hung_clear(plx__poll_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_hung(&entries[i]))
            entries[i].revents = 0;
    }
}

/* Row 6: whether hung entries are to be reported all the same, for their owners to try. Once in
 * HANG_UP_MAX, so that one which is_reset() mistook for half-closed does not wait for ever. */
static bool hung_are_due(uint64_t now)
{
    static PLX__THREAD_LOCAL uint64_t due;
    if (now >= due && now - due < HANG_UP_MAX) {
        due = now + HANG_UP_MAX;
        return true;
    }
    if (now > due) /* None hung in the last while. */
        due = now + HANG_UP_MAX;
    return false;
}

/* Row 6: waits for the others. The complement of a SOCKET is a negative number, which row 9 is
 * about; that of INVALID_SOCKET would be none, and no SOCKET has that complement. */
static int poll_parked(plx__poll_entry *entries, size_t count, int hung, uint64_t timeout_ns)
{
    int ready = 0;
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_hung(&entries[i]))
            entries[i].fd = ~entries[i].fd;
    }
    if ((size_t)hung < count)
        status = poll_call(entries, count, timeout_ns);
    else
        Sleep(plx__milliseconds(timeout_ns));
    for (size_t i = 0; i < count; i++) {
        if ((SSIZE_T)entries[i].fd < 0 && entries[i].fd != INVALID_SOCKET) {
            entries[i].fd = ~entries[i].fd;
            entries[i].revents = 0;
        }
        ready += entries[i].revents != 0;
    }
    return status < 0 ? status : ready;
}

/* One look at the entries, and a wait of `slice` for those that have not hung up. */
static int poll_turn(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, uint64_t slice,
                     bool in_slices)
{
    int hung;
    int status = poll_call(entries, count, timeout_ns);
    if (status < 0)
        return status;
    int ready = entries_count(entries, count, &hung);
    if (hung > 0 && hung_are_due(plx__clock_now()))
        return ready + hung;
    if (ready == 0 && in_slices)
        ready = refusals_find(entries, count);
    if (ready == 0 && hung > 0 && slice > 0)
        return poll_parked(entries, count, hung, slice);
    if (hung > 0)
        hung_clear(entries, count);
    return ready;
}

static int poll_until(plx__poll_entry *entries, size_t count, uint64_t deadline, bool in_slices)
{
    for (;;) {
        uint64_t now = plx__clock_now();
        uint64_t left = deadline == PLX_FOREVER ? PLX_FOREVER : deadline > now ? deadline - now : 0;
        uint64_t slice = left < WAIT_SLICE ? left : WAIT_SLICE;
        int ready = poll_turn(entries, count, in_slices ? slice : left, slice, in_slices);
        if (ready != 0 || left == 0)
            return ready;
    }
}

int plx__poll(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
    uint64_t now = plx__clock_now();
    uint64_t deadline = timeout_ns < PLX_FOREVER - now ? now + timeout_ns : PLX_FOREVER;
    if (count == 0) {
        Sleep(plx__milliseconds(timeout_ns));
        return 0;
    }
    bool in_slices = !refusals_are_reported() && any_waits_to_write(entries, count);
    return poll_until(entries, count, deadline, in_slices);
}
