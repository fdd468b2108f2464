/* tests/unit_linux.c - what takes Linux to be shown: which thread runs next, files of another
 * device, a lock that somebody shares, a listener that is full. Not compiled elsewhere.
 */
#include <errno.h>
#include <stdio.h>

#include "backends/readiness/idle_set.h"
#include "platform/test_system.h"
#include "platform/unix/test_system_linux.h"
#include "tests/harness.h"
#include "tests/polled_endpoint.h"

extern const test_case unit_linux_cases[];

/* --- the second thread of "poll" ---------------------------------------------------------------
 */

struct plx__backend {
    size_t returned;
};

static void on_returned(plx__poller *poller, plx__polled *polled, short revents)
{
    (void)polled;
    poller->returned += revents != 0;
}

static void wake_await(plx__wake *wake)
{
    bool is_renewed;
    plx__poll_entry entry = {.fd = wake->reader, .events = PLX__POLL_READ};
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    ck_ok(plx__wake_drain(wake, &is_renewed));
}

/* A loop that is woken finds what it was woken for, however soon it looks: it is told once. Where
 * the process may not have this thread run first, it looks as soon as it does. */
static void reports_are_there_when_the_wake_comes(world *w)
{
    enum { ROUNDS = 20 };
    const plx__openings openings = {.on_open = NULL};
    plx__poller poller = {.returned = 0};
    couple c = couple_open();
    polled_endpoint readable = {.endpoint = {.socket = c.ours.socket}};
    plx__idle_set *set;
    plx__wake wake;
    (void)w;
    peer_send(w, &c.theirs, "x", 1);
    ck_ok(plx__test_one_processor());
    ck_ok(plx__wake_open(&wake));
    ck_ok(plx__idle_set_open(&set, &wake, &openings));
    (void)plx__test_first_to_run();
    for (size_t round = 1; round <= ROUNDS; round++) {
        ck_ok(plx__idle_set_add(set, &readable.polled));
        plx__idle_set_apply(set);
        wake_await(&wake);
        ck_assert(plx__idle_set_take(set, &poller, on_returned));
        ck_assert_uint_eq(poller.returned, round);
    }
    plx__fault_arm(PLX__FAULT_IDLE_WAIT, 0, UINT32_MAX);
    ck_ok(plx__idle_set_add(set, &readable.polled));
    plx__idle_set_apply(set);
    wake_await(&wake);
    ck_assert(!plx__idle_set_take(set, &poller, on_returned));
    (void)plx__fault_disarm(PLX__FAULT_IDLE_WAIT);
    ck_assert_uint_eq(poller.returned, ROUNDS);
    plx__idle_set_close(set);
    plx__wake_close(&wake);
    couple_close(&c);
}

/* --- files of listeners ------------------------------------------------------------------------
 */

/* A name that nobody else has. */
static void name_make(char name[64], const char *suffix)
{
    static unsigned made;
    (void)snprintf(name, 64, "pollux-%llx-%u%s", (unsigned long long)plx__clock_now(), made++,
                   suffix);
}

/* Listens at the path, or says why not. */
static int listen_at_path(const char *path, plx_socket *socket_out, plx__socket_path **path_out)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    (void)snprintf(text, sizeof text, "unix:%s", path);
    int status = plx__address_parse(&address, text);
    if (status == 0)
        status = plx__socket_open(socket_out, PLX__FAMILY_UNIX);
    return status == 0 ? plx__socket_path_listen(*socket_out, &address, 16, 0, path_out) : status;
}

/* The lock of a directory ends when the listener is there, and when its file is not any more: not
 * when a child has closed it, too, which was forked meanwhile. */
static void lock_ends_for_who_shares_it(world *w)
{
    char directory[64];
    plx_socket socket;
    plx__socket_path *path;
    (void)w;
    name_make(directory, ".d"); /* Other tests use the lock of this one. */
    ck_ok(plx__test_directory(directory));
    ck_ok(plx__test_directory_enter(directory));
    plx__test_shared_locks(true);
    ck_ok(listen_at_path("s", &socket, &path));
    ck_assert(plx__test_lock_has_ended());
    plx__socket_path_remove(path);
    ck_assert(plx__test_lock_has_ended());
    plx__test_shared_locks(false);
    plx__socket_close(socket);
    ck_ok(plx__test_directory_enter(".."));
    ck_ok(plx__test_directory_remove(directory));
}

enum { IS_KEPT = 1, IS_LACKING = 2, IS_LOST = 3 };

/* In a child with mounts of its own. `link` is a link to the one directory when it listens, and to
 * the other one when it removes its file. */
static int twins_check(const char *one, const char *two, const char *link)
{
    char first[80], second[80], linked[80];
    plx_socket sockets[2];
    plx__socket_path *paths[2];
    (void)snprintf(first, sizeof first, "%s/s", one);
    (void)snprintf(second, sizeof second, "%s/s", two);
    (void)snprintf(linked, sizeof linked, "%s/s", link);
    if (plx__test_mount(one) != 0 || plx__test_mount(two) != 0)
        return IS_LACKING;
    if (plx__test_symlink(one, link) != 0 || listen_at_path(linked, &sockets[0], &paths[0]) != 0 ||
        listen_at_path(second, &sockets[1], &paths[1]) != 0)
        return IS_LOST;
    if (!plx__test_same_number(first, second))
        return IS_LACKING;
    if (remove(link) != 0 || plx__test_symlink(two, link) != 0)
        return IS_LOST;
    plx__socket_path_remove(paths[0]);
    return plx__test_same_number(first, second) ? IS_KEPT : IS_LOST;
}

/* A socket of another device that has the number of the listener's file is not the listener's, and
 * stays. It takes the right to mount to make one, and file systems that number alike. */
static void file_of_another_device_is_another(world *w)
{
    char one[64], two[64], link[64];
    (void)w;
    name_make(one, ".d");
    name_make(two, ".d");
    name_make(link, ".l");
    ck_ok(plx__test_directory(one));
    ck_ok(plx__test_directory(two));
    if (plx__test_fork() == 0) {
        int status = plx__test_own_mounts();
        plx__test_report(status == 0 ? twins_check(one, two, link) : IS_LACKING);
    }
    int result = plx__test_fork_join();
    (void)remove(link);
    ck_ok(plx__test_directory_remove(one));
    ck_ok(plx__test_directory_remove(two));
    ck_assert(result == IS_KEPT || result == IS_LACKING);
}

/* --- connecting -------------------------------------------------------------------------------
 */

/* Linux says EAGAIN when the queue of a listener of the Unix domain is full, and leaves
 * nothing pending: that is a refusal. One that is not there is told as such. */
static void connecting_to_a_full_listener_is_refused(world *w)
{
    enum { FILLERS_MAX = 64 };
    char name[64], text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx_socket fillers[FILLERS_MAX], listener;
    plx__socket_path *path;
    int count = 0;
    int status = 0;
    (void)w;
    name_make(name, ".s");
    ck_ok(listen_at_path(name, &listener, &path));
    (void)snprintf(text, sizeof text, "unix:%s", name);
    ck_ok(plx__address_parse(&address, text));
    while (status == 0) {
        ck_assert_int_lt(count, FILLERS_MAX);
        ck_ok(plx__socket_open(&fillers[count], PLX__FAMILY_UNIX));
        status = plx__socket_connect(fillers[count++], &address);
    }
    ck_assert_int_eq(status, PLX_ECONNREFUSED);
    ck_assert_int_eq(plx_os_error(), EAGAIN);
    plx__socket_path_remove(path);
    ck_assert_int_eq(plx__socket_connect(fillers[count - 1], &address), PLX_ENOENT);
    while (count > 0)
        plx__socket_close(fillers[--count]);
    plx__socket_close(listener);
}

const test_case unit_linux_cases[] = {
    CASE(connecting_to_a_full_listener_is_refused),
    CASE(reports_are_there_when_the_wake_comes),
    CASE(lock_ends_for_who_shares_it),
    CASE(file_of_another_device_is_another),
    CASES_END,
};
