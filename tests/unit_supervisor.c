/* tests/unit_supervisor.c - what a supervisor leaves for a process, and hears from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/handover.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case unit_supervisor_cases[];

static void set(const char *name, const char *value)
{
    ck_ok(plx__test_environment(name, value));
}

static void set_number(const char *name, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    set(name, text);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void inherit(const char *process, const char *count, const char *names)
{
    set("LISTEN_PID", process);
    set("LISTEN_FDS", count);
    set("LISTEN_FDNAMES", names);
}

/* Whatever comes of it, children do not find the variables. */
static int inherited(plx_sockets **sockets_out)
{
    int status = plx_inherited_sockets(sockets_out);
    ck_assert((status == 0) == (*sockets_out != NULL));
    ck_assert_ptr_null(getenv("LISTEN_PID"));
    ck_assert_ptr_null(getenv("LISTEN_FDS"));
    ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
    return status;
}

static void check_none(const char *process, const char *count)
{
    plx_sockets *sockets;
    inherit(process, count, "web");
    ck_ok(inherited(&sockets));
    ck_assert_uint_eq(plx_sockets_count(sockets), 0);
    plx_sockets_close(sockets);
}

static void nothing_is_inherited(world *w)
{
    char own[32], other[32];
    (void)w;
    (void)snprintf(own, sizeof own, "%llu", (unsigned long long)plx__process_id());
    (void)snprintf(other, sizeof other, "%llu", (unsigned long long)plx__process_id() + 1);
    check_none(NULL, NULL);
    check_none(own, NULL);
    check_none(NULL, "1");
    check_none(own, "0");
    check_none(other, "1"); /* Those are its parent's. */
}

static void wrong_variables_are_refused(world *w)
{
    static const char *const numbers[] = {
        "x", "1x", "-1", " 1", "+1", "1-", "1:", "/", "99999999999999999999", ""};
    char own[32];
    plx_sockets *sockets;
    (void)w;
    (void)snprintf(own, sizeof own, "%llu", (unsigned long long)plx__process_id());
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        inherit(own, numbers[i], NULL);
        if (getenv("LISTEN_FDS") == NULL)
            continue; /* On Windows no variable is empty. */
        ck_assert_int_eq(inherited(&sockets), PLX_EINVAL);
        inherit(numbers[i], "1", NULL);
        ck_assert_int_eq(inherited(&sockets), PLX_EINVAL);
    }
    static const char *const too_many[] = {"251", "4294967297", "42949672950"};
    for (size_t i = 0; i < sizeof too_many / sizeof too_many[0]; i++) {
        inherit(own, too_many[i], NULL);
        ck_assert_int_eq(inherited(&sockets), PLX_ELIMIT);
    }
    inherit(own, "0", NULL);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(inherited(&sockets), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
}

/* The last one is open, and the one before it is not: those in front of it stay open. */
static void hole_check(const char *own)
{
    plx_socket hole, last, other;
    char count[32];
    plx_sockets *sockets;
    ck_ok(plx_socket_duplicate(0, &hole));
    ck_ok(plx_socket_duplicate(0, &last));
    plx_socket_close(hole);
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)last - 2);
    inherit(own, count, NULL);
    ck_assert_int_eq(inherited(&sockets), PLX_EBADF);
    for (uint32_t i = 0; 3 + i < (uint32_t)hole; i++)
        ck_ok(plx__supervised_socket(i, &other));
    plx_socket_close(last);
}

/* Each socket has the name in its own part of the text. Two descriptors are open. */
static void names_check(const char *own, const char *too_long)
{
    char first_long[2 * PLX_SOCKET_NAME_MAX];
    (void)snprintf(first_long, sizeof first_long, "%s:admin", too_long);
    const char *const given[] = {"web:admin", "web", "web:", ":admin", "a:b:c", first_long};
    const char *const expected[][2] = {{"web", "admin"}, {"web", "unknown"}, {"web", ""},
                                       {"", "admin"},    {"a", "b"},         {"unknown", "admin"}};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        plx_sockets *sockets;
        inherit(own, "2", given[i]);
        ck_ok(inherited(&sockets));
        ck_assert_uint_eq(plx_sockets_count(sockets), 2);
        for (uint32_t k = 0; k < 2; k++) {
            ck_assert_str_eq(plx_sockets_name(sockets, k), expected[i][k]);
            ck_assert(plx_sockets_take(sockets, k) == (plx_socket)(3 + k));
        }
        plx_sockets_close(sockets);
    }
}

/* Descriptors from 3 on, of which a test has some. */
static void inherited_sockets_have_names(world *w)
{
    char own[32], names[PLX_SOCKET_NAME_MAX + 1];
    plx_socket third;
    plx_sockets *sockets;
    (void)w;
    int status = plx__supervised_socket(0, &third);
    (void)snprintf(own, sizeof own, "%llu", (unsigned long long)plx__process_id());
    inherit(own, "250", "a:b");
    int many = inherited(&sockets);
    if (status == PLX_ENOSYS) {
        ck_ok(many); /* On Windows there are none, whatever the environment says. */
        ck_assert_uint_eq(plx_sockets_count(sockets), 0);
        plx_sockets_close(sockets);
        return;
    }
    ck_assert_int_eq(many, PLX_EBADF); /* Some are not open, and those that are stay so. */
    plx_socket socket;
    if (status == PLX_EBADF) {
        ck_ok(plx_socket_duplicate(0, &socket)); /* The lowest that is free. */
        ck_assert(socket == 3);
    }
    memset(names, 'n', sizeof names);
    names[PLX_SOCKET_NAME_MAX] = '\0';
    const char *longest = names + 1;
    const char *const given[] = {"web", "web:admin", "", NULL, names, longest};
    const char *const expected[] = {"web", "web", "", "unknown", "unknown", longest};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        inherit(own, "1", given[i]);
        ck_ok(inherited(&sockets));
        ck_assert_uint_eq(plx_sockets_count(sockets), 1);
        ck_assert_str_eq(plx_sockets_name(sockets, 0), expected[i]);
        ck_assert(plx_sockets_take(sockets, 0) == third);
        ck_assert(plx_sockets_at(sockets, 0) == PLX_SOCKET_NONE);
        plx_sockets_close(sockets);
    }
    plx_socket fourth;
    const bool has_fourth = plx__supervised_socket(1, &fourth) == 0;
    if (!has_fourth) {
        ck_ok(plx_socket_duplicate(0, &socket));
        ck_assert(socket == fourth);
    }
    names_check(own, names);
    hole_check(own);
    if (!has_fourth)
        plx_socket_close(fourth);
    if (status == PLX_EBADF)
        plx_socket_close(third);
}

/* --- notifications ---------------------------------------------------------------------------- */

static void check_heard(const char *name)
{
    char text[64];
    plx_socket supervisor;
    int status = plx__test_datagram_open(name, &supervisor);
    if (status == PLX_ENOSYS)
        return;
    ck_ok(status);
    set("NOTIFY_SOCKET", name);
    ck_ok(plx_notify("READY=1\nSTATUS=all is well"));
    ck_ok(plx_notify("STOPPING=1"));
    ptrdiff_t got = plx__socket_receive(supervisor, text, sizeof text);
    ck_assert_int_eq((int)got, 26);
    ck_assert_mem_eq(text, "READY=1\nSTATUS=all is well", 26);
    got = plx__socket_receive(supervisor, text, sizeof text);
    ck_assert_int_eq((int)got, 10);
    ck_assert_mem_eq(text, "STOPPING=1", 10);
    ck_assert_int_eq((int)plx__socket_receive(supervisor, text, sizeof text), PLX_EAGAIN);
    plx_socket_close(supervisor);
    ck_assert_int_ne(plx_notify("WATCHDOG=1"), 0); /* Nobody listens any more. */
    set("NOTIFY_SOCKET", NULL);
}

static void supervisor_hears_what_is_told(world *w)
{
    char name[64], path[160];
    (void)w;
    ck_ok(plx_notify("READY=1")); /* Nobody asked. */
    (void)snprintf(name, sizeof name, "@pollux-%llx", (unsigned long long)plx__clock_now());
    check_heard(name);
    if (plx__test_directory_path(path, sizeof path) == 0) {
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", name + 1);
        check_heard(path);
        (void)remove(path);
    }
}

static void supervisor_that_is_none(world *w)
{
    char path[200] = "/";
    plx_socket none;
    (void)w;
    if (plx__test_datagram_open("@pollux-none", &none) == PLX_ENOSYS)
        return;
    plx_socket_close(none);
    set("NOTIFY_SOCKET", "relative");
    ck_assert_int_eq(plx_notify("READY=1"), PLX_EINVAL);
    set("NOTIFY_SOCKET", "");
    ck_assert_int_eq(plx_notify("READY=1"), PLX_EINVAL);
    set("NOTIFY_SOCKET", "/no/such/socket");
    ck_assert_int_eq(plx_notify("READY=1"), PLX_ENOENT);
    memset(path + 1, 'x', sizeof path - 2);
    set("NOTIFY_SOCKET", path);
    ck_assert_int_eq(plx_notify("READY=1"), PLX_ENAMETOOLONG);
    set("NOTIFY_SOCKET", NULL);
}

static void check_interval(const char *period, uint64_t expected_ns)
{
    set("WATCHDOG_USEC", period);
    ck_assert_uint_eq(plx_notify_interval_ns(), expected_ns);
}

static void watchdog_wants_to_hear_twice_as_often(world *w)
{
    (void)w;
    check_interval(NULL, 0);
    check_interval("30000000", 15 * PLX_SECOND);
    check_interval("1", 500);
    check_interval("0", 0);
    check_interval("010", 5 * PLX_MICROSECOND);
    check_interval("-1", 0);
    check_interval("+1", 0);
    check_interval(" 1", 0);
    check_interval("", 0);
    check_interval("soon", 0);
    check_interval("10s", 0);
    check_interval("18446744073709551615", 0);
    check_interval("18446744073709551", 0);
    check_interval("18446744073709550", UINT64_C(9223372036854775000));
    set_number("WATCHDOG_PID", plx__process_id());
    check_interval("30000000", 15 * PLX_SECOND);
    set_number("WATCHDOG_PID", plx__process_id() + 1);
    check_interval("30000000", 0);
    set("WATCHDOG_PID", NULL);
    set("WATCHDOG_USEC", NULL);
}

const test_case unit_supervisor_cases[] = {
    CASE(nothing_is_inherited),
    CASE(wrong_variables_are_refused),
    CASE(inherited_sockets_have_names),
    CASE(supervisor_hears_what_is_told),
    CASE(supervisor_that_is_none),
    CASE(watchdog_wants_to_hear_twice_as_often),
    CASES_END,
};
