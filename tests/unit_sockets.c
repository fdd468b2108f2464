/* tests/unit_sockets.c - lists of sockets that are handed over, and the frames of a handover. */
#include <string.h>

#include "core/handover/handover.h"
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
    ck_assert_int_eq(plx_sockets_add(sockets, "\nline", PLX_SOCKET_NONE), PLX_EINVAL);
    ck_assert_int_eq(plx_sockets_add(sockets, "delete\177", PLX_SOCKET_NONE), PLX_EINVAL);
    ck_assert(plx_sockets_take(sockets, 0) == PLX_SOCKET_NONE); /* There is none yet. */
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

/* --- frames ----------------------------------------------------------------------------------- */

/* As version 1 sends it: the process at the other end may be of another release. */
static const unsigned char offer_bytes[PLX__FRAME_BYTES] = {
    'P',  'L',  'X',  'T',  'A',  'K',  'E',  '\n', 1,    0,    0,    0,    2,    0,    0,    0,
    0xC1, 0xC2, 0xC3, 0xC4, 0xD1, 0xD2, 0xD3, 0xD4, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8};

static void frames_are_the_same_in_every_release(world *w)
{
    const plx__frame offer = {.kind = PLX__FRAME_OFFER,
                              .count = 0xC4C3C2C1,
                              .length = 0xD4D3D2D1,
                              .process = UINT64_C(0xE8E7E6E5E4E3E2E1)};
    unsigned char bytes[PLX__FRAME_BYTES + 1];
    plx__frame read = {0};
    (void)w;
    memset(bytes, 0xA5, sizeof bytes);
    plx__frame_write(&offer, bytes);
    ck_assert_mem_eq(bytes, offer_bytes, sizeof offer_bytes);
    ck_assert_uint_eq(bytes[PLX__FRAME_BYTES], 0xA5); /* Nothing behind it. */
    ck_ok(plx__frame_read(&read, bytes));
    ck_assert_uint_eq(read.kind, PLX__FRAME_OFFER);
    ck_assert_uint_eq(read.count, offer.count);
    ck_assert_uint_eq(read.length, offer.length);
    ck_assert_uint_eq(read.process, offer.process);
    bytes[15] = 1; /* The last byte of a kind counts, too. */
    ck_ok(plx__frame_read(&read, bytes));
    ck_assert_uint_eq(read.kind, 0x01000002);
}

/* Each byte of the magic number and of the version is looked at. */
static void frames_of_other_versions_are_refused(world *w)
{
    unsigned char bytes[PLX__FRAME_BYTES];
    plx__frame read = {0};
    (void)w;
    for (size_t i = 0; i < 12; i++) {
        memcpy(bytes, offer_bytes, sizeof bytes);
        bytes[i] ^= 2;
        ck_assert_int_eq(plx__frame_read(&read, bytes), PLX_EVERSION);
        ck_assert_uint_eq(read.kind, 0);
    }
}

const test_case unit_sockets_cases[] = {
    CASE(lists_have_limits),
    CASE(list_closes_its_sockets),
    CASE(frames_are_the_same_in_every_release),
    CASE(frames_of_other_versions_are_refused),
    CASES_END,
};
