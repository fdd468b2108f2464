/* tests/unit_sockets.c - lists of sockets that are handed over. */
#include <pollux/handover.h>
#include <string.h>

#include "tests/harness.h"

extern const test_case unit_sockets_cases[];

static void lists_have_limits(world *w)
{
    char name[PLX_SOCKET_NAME_MAX + 1] = {0};
    plx_sockets *sockets;
    (void)w;
    memset(name, 'x', PLX_SOCKET_NAME_MAX);
    ck_ok(plx_sockets_open(&sockets));
    ck_assert_int_eq(plx_sockets_add(sockets, name, PLX_SOCKET_NONE), PLX_EINVAL);
    ck_assert_int_eq(plx_sockets_add(sockets, "two\nlines", PLX_SOCKET_NONE), PLX_EINVAL);
    ck_assert_int_eq(plx_sockets_add(sockets, "delete\177", PLX_SOCKET_NONE), PLX_EINVAL);
    for (uint32_t i = 0; i < PLX_SOCKETS_MAX; i++)
        ck_ok(plx_sockets_add(sockets, i % 2 == 0 ? "" : "\xc3\xbc", PLX_SOCKET_NONE));
    ck_assert_int_eq(plx_sockets_add(sockets, "one more", PLX_SOCKET_NONE), PLX_ELIMIT);
    ck_assert_uint_eq(plx_sockets_count(sockets), PLX_SOCKETS_MAX);
    ck_assert_str_eq(plx_sockets_name(sockets, 1), "\xc3\xbc");
    ck_assert_ptr_null(plx_sockets_name(sockets, PLX_SOCKETS_MAX));
    ck_assert(plx_sockets_take(sockets, PLX_SOCKETS_MAX) == PLX_SOCKET_NONE);
    plx_sockets_close(sockets);
    plx_sockets_close(NULL);
    ck_assert_uint_eq(plx_sockets_count(NULL), 0);
}

/* All that are still in it. */
static void list_closes_its_sockets(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket duplicates[3];
    plx_sockets *sockets;
    plx_socket listening = socket_listening(address);
    (void)w;
    ck_ok(plx_sockets_open(&sockets));
    for (size_t i = 0; i < 3; i++) {
        ck_ok(plx_socket_duplicate(listening, &duplicates[i]));
        ck_ok(plx_sockets_add(sockets, "web", duplicates[i]));
    }
    ck_assert(plx_sockets_take(sockets, 1) == duplicates[1]);
    plx_sockets_close(sockets);
    ck_assert_int_ne(plx_socket_local(duplicates[0], address, sizeof address), 0);
    ck_ok(plx_socket_local(duplicates[1], address, sizeof address));
    ck_assert_int_ne(plx_socket_local(duplicates[2], address, sizeof address), 0);
    plx_socket_close(duplicates[1]);
    net_close(listening);
}

const test_case unit_sockets_cases[] = {
    CASE(lists_have_limits),
    CASE(list_closes_its_sockets),
    CASES_END,
};
