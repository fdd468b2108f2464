/* tests/unit_proxy.c - headers of the PROXY protocol: what is one, what it says, what is none.
 *
 * The chapters are those of HAProxy's doc/proxy-protocol.txt (2020/03/05).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

extern const test_case unit_proxy_cases[];

/* Of the header that the text begins with: how long it is, or why it is none. */
static int parse_text(const char *text, plx_proxy_header *header)
{
    return plx_proxy_parse(text, strlen(text), header);
}

/* No part of it is a header, and none is told to be none. */
static void check_parts(const void *bytes, size_t length)
{
    plx_proxy_header header;
    ck_assert_int_eq(plx_proxy_parse(NULL, 0, &header), PLX_EAGAIN);
    for (size_t i = 1; i < length; i++) {
        void *part = malloc(i); /* Of its own: no byte behind it is looked at. */
        ck_assert_ptr_nonnull(part);
        memcpy(part, bytes, i);
        ck_assert_msg(plx_proxy_parse(part, i, &header) == PLX_EAGAIN, "%u bytes", (unsigned)i);
        free(part);
    }
}

/* --- version 1 -------------------------------------------------------------------------------- */

/* 2.1: the example, in front of its request. */
static void line_of_the_specification_is_read(world *w)
{
    static const char example[] = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
                                  "GET / HTTP/1.1\r\n"
                                  "Host: 192.168.0.11\r\n"
                                  "\r\n";
    plx_proxy_header header;
    (void)w;
    ck_assert_int_eq(parse_text(example, &header), 47);
    ck_assert_uint_eq(header.version, 1);
    ck_assert_uint_eq(header.family, PLX_PROXY_IPV4);
    ck_assert_uint_eq(header.is_local + header.is_datagram, 0);
    ck_assert_str_eq(header.source, "tcp://192.168.0.1:56324");
    ck_assert_str_eq(header.destination, "tcp://192.168.0.11:443");
    ck_assert_uint_eq(header.tlvs_length, 0);
    check_parts(example, 47);
}

/* 2.1: "The maximum line lengths the receiver must support". */
static void longest_lines_are_read(world *w)
{
#define FFFF "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    static const struct {
        const char *line;
        int length;
        uint32_t family;
        const char *source;
    } lines[] = {
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", 56, PLX_PROXY_IPV4,
         "tcp://255.255.255.255:65535"},
        {"PROXY TCP6 " FFFF " " FFFF " 65535 65535\r\n", 104, PLX_PROXY_IPV6,
         "tcp://[" FFFF "]:65535"},
        {"PROXY UNKNOWN\r\n", 15, PLX_PROXY_UNKNOWN, ""},
        {"PROXY UNKNOWN " FFFF " " FFFF " 65535 65535\r\n", 107, PLX_PROXY_UNKNOWN, ""},
        {"PROXY UNKNOWN anything \x80\x01\r\n", 27, PLX_PROXY_UNKNOWN, ""},
        {"PROXY TCP4 0.0.0.0 1.2.3.4 0 1\r\n", 32, PLX_PROXY_IPV4, "tcp://0.0.0.0:0"},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 9090 1\r\n", 35, PLX_PROXY_IPV4, "tcp://1.2.3.4:9090"},
        {"PROXY TCP6 2001:DB8::1 :: 80 81\r\n", 33, PLX_PROXY_IPV6, "tcp://[2001:db8::1]:80"},
    };
    plx_proxy_header header;
    (void)w;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert_int_eq(parse_text(lines[i].line, &header), lines[i].length);
        ck_assert_uint_eq(header.family, lines[i].family);
        ck_assert_str_eq(header.source, lines[i].source);
        check_parts(lines[i].line, (size_t)lines[i].length);
    }
}

static void lines_that_are_wrong_are_refused(world *w)
{
    static const char *const wrong[] = {
        "GET / HTTP/1.1\r\n",
        "P ROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
        "proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXYxTCP4 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP5 ::1 ::1 1 1\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP44 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
        "PROXY TCP4 1.2.3.4  1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 100000000000000000001\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 4294967297\r\n", /* 1, if its bits were cut off. */
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4  1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1x\r\n",
        "PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.256 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP6 ::1 1.2.3.4 1 1\r\n",
        "PROXY TCP6 fe80::1%1 ::1 1 1\r\n",
        "PROXY TCP6 1:2:3:4:5:6:7 ::1 1 1\r\n",
        "PROXY TCP6 1::2::3 ::1 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r \n",
        "PROXY TCP4 1.2.3.4\r1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4\t1.2.3.4 1 1\r\n",
        "PROXY UNKNOWN \n\r\n",
    };
    static const char zero[] = "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\0 1\r\n";
    char endless[200];
    plx_proxy_header header = {0};
    (void)w;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(parse_text(wrong[i], &header) == PLX_EPROTO, "\"%s\"", wrong[i]);
    ck_assert_int_eq(plx_proxy_parse(zero, sizeof zero - 1, &header), PLX_EPROTO);
    memset(endless, 'x', sizeof endless);
    memcpy(endless, "PROXY UNKNOWN ", 14);
    memcpy(endless + 106, "\r\n", 2); /* One byte too late. */
    ck_assert_int_eq(plx_proxy_parse(endless, 106, &header), PLX_EAGAIN);
    for (size_t length = 107; length <= sizeof endless; length++)
        ck_assert_int_eq(plx_proxy_parse(endless, length, &header), PLX_EPROTO);
    ck_assert_uint_eq(header.version, 0); /* What is refused fills in nothing. */
}

/* --- version 2 -------------------------------------------------------------------------------- */

typedef struct binary {
    unsigned char bytes[600];
    size_t length;
} binary;

/* 2.2: the 16 bytes that all begin with; binary_end() puts in how many follow. */
static binary binary_start(unsigned command, unsigned family)
{
    binary b = {{0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A}, 16};
    b.bytes[12] = (unsigned char)command;
    b.bytes[13] = (unsigned char)family;
    return b;
}

static void add(binary *b, const void *bytes, size_t length)
{
    memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
    b->bytes[14] = (unsigned char)((b->length - 16) >> 8);
    b->bytes[15] = (unsigned char)(b->length - 16);
}

static int binary_parse(const binary *b, plx_proxy_header *header)
{
    return plx_proxy_parse(b->bytes, b->length, header);
}

static const unsigned char ipv4[12] = {192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x67, 0x01, 0xBB};

static void ipv4_addresses_are_read(world *w)
{
    plx_proxy_header header;
    (void)w;
    for (unsigned transport = 1; transport <= 2; transport++) {
        binary b = binary_start(0x21, 0x10 | transport);
        add(&b, ipv4, sizeof ipv4);
        ck_assert_int_eq(plx_proxy_parse(b.bytes, sizeof b.bytes, &header), 28);
        ck_assert_uint_eq(header.version, 2);
        ck_assert_uint_eq(header.family, PLX_PROXY_IPV4);
        ck_assert_uint_eq(header.is_local, 0);
        ck_assert_uint_eq(header.is_datagram, transport == 2);
        ck_assert_str_eq(header.source,
                         transport == 1 ? "tcp://192.0.2.1:4711" : "udp://192.0.2.1:4711");
        ck_assert_str_eq(header.destination,
                         transport == 1 ? "tcp://198.51.100.2:443" : "udp://198.51.100.2:443");
        check_parts(b.bytes, 28);
    }
}

/* A wrong byte is refused when it is there, and not later. */
static void wrong_commands_and_families_are_refused_at_once(world *w)
{
    static const unsigned wrong[][2] = {{0x22, 0x11}, {0x31, 0x11}, {0x21, 0x41}, {0x21, 0x13}};
    plx_proxy_header header;
    (void)w;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const size_t last = wrong[i][0] == 0x21 ? 14 : 13;
        binary b = binary_start(wrong[i][0], wrong[i][1]);
        ck_assert_int_eq(plx_proxy_parse(b.bytes, last - 1, &header), PLX_EAGAIN);
        ck_assert_int_eq(plx_proxy_parse(b.bytes, last, &header), PLX_EPROTO);
    }
}

static void ipv6_addresses_are_read(world *w)
{
    static const unsigned char ends[36] = {
        0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0,    0x01, 0x20, 0x01,
        0x0D, 0xB8, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0xFF, 0xFF, 0,    80};
    plx_proxy_header header;
    binary b = binary_start(0x21, 0x21);
    (void)w;
    add(&b, ends, sizeof ends);
    ck_assert_int_eq(binary_parse(&b, &header), 52);
    ck_assert_uint_eq(header.family, PLX_PROXY_IPV6);
    ck_assert_str_eq(header.source, "tcp://[2001:db8::1]:65535");
    ck_assert_str_eq(header.destination, "tcp://[2001:db8::2]:80");
    check_parts(b.bytes, 52);
}

static void paths_are_read(world *w)
{
    char ends[216] = "/run/client";
    plx_proxy_header header;
    binary b = binary_start(0x21, 0x31);
    (void)w;
    memset(ends + 108, 'x', 108); /* As long as one can be, and no zero behind it. */
    add(&b, ends, sizeof ends);
    ck_assert_int_eq(binary_parse(&b, &header), PLX_PROXY_HEADER_MAX);
    ck_assert_uint_eq(header.family, PLX_PROXY_UNIX);
    ck_assert_str_eq(header.source, "unix:/run/client");
    ck_assert_uint_eq(strlen(header.destination), 5 + 108);
    memcpy(b.bytes + 16, "\0abstract", 10);
    memset(b.bytes + 16 + 108, 0, 108);
    ck_assert_int_eq(binary_parse(&b, &header), PLX_PROXY_HEADER_MAX);
    ck_assert_str_eq(header.source, "unix:@abstract");
    ck_assert_str_eq(header.destination, "unix:");
}

/* 2.2: the block of a LOCAL command is skipped, whatever it is, and whatever the family says. */
static void local_headers_have_no_addresses(world *w)
{
    plx_proxy_header header;
    (void)w;
    for (unsigned family = 0; family < 256; family += 17) {
        binary b = binary_start(0x20, family);
        ck_assert_int_eq(binary_parse(&b, &header), 16);
        add(&b, "\x03\xFF\xFF?", 4);
        ck_assert_int_eq(binary_parse(&b, &header), 20);
        ck_assert_uint_eq(header.is_local, 1);
        ck_assert_uint_eq(header.family, PLX_PROXY_UNKNOWN);
        ck_assert_str_eq(header.source, "");
        ck_assert_uint_eq(header.tlvs_length, 0);
        check_parts(b.bytes, 20);
    }
}

/* 2.2: "The receiver should ignore address information". */
static void unspecified_families_have_no_addresses(world *w)
{
    static const unsigned families[] = {0x00, 0x01, 0x02, 0x10, 0x20, 0x30};
    plx_proxy_header header;
    (void)w;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        binary b = binary_start(0x21, families[i]);
        ck_assert_int_eq(binary_parse(&b, &header), 16);
        add(&b, ipv4, sizeof ipv4);
        ck_assert_int_eq(binary_parse(&b, &header), 28);
        ck_assert_uint_eq(header.family, PLX_PROXY_UNKNOWN);
        ck_assert_str_eq(header.source, "");
    }
}

static void binary_headers_that_are_wrong_are_refused(world *w)
{
    static const struct {
        unsigned command, family;
        size_t length;
    } wrong[] = {
        {0x22, 0x11, 12}, {0x2F, 0x11, 12}, {0x11, 0x11, 12},  {0x31, 0x11, 12}, {0x01, 0x11, 12},
        {0x21, 0x41, 12}, {0x21, 0x13, 12}, {0x21, 0xF1, 12},  {0x21, 0x04, 12}, {0x21, 0x11, 11},
        {0x21, 0x11, 0},  {0x21, 0x21, 35}, {0x21, 0x31, 215},
    };
    const char zeros[216] = {0};
    plx_proxy_header header;
    (void)w;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        binary b = binary_start(wrong[i].command, wrong[i].family);
        add(&b, zeros, wrong[i].length);
        ck_assert_msg(binary_parse(&b, &header) == PLX_EPROTO, "number %u", (unsigned)i);
    }
    for (size_t i = 0; i < 12; i++) { /* Each byte of the signature counts. */
        binary b = binary_start(0x21, 0x11);
        add(&b, ipv4, sizeof ipv4);
        b.bytes[i] ^= 0x20;
        ck_assert_int_eq(binary_parse(&b, &header), PLX_EPROTO);
        ck_assert_int_eq(plx_proxy_parse(b.bytes, i + 1, &header), PLX_EPROTO);
    }
}

/* --- values ----------------------------------------------------------------------------------- */

static void values_are_read_one_by_one(world *w)
{
    plx_proxy_header header;
    plx_proxy_tlv tlv;
    size_t at = 0;
    binary b = binary_start(0x21, 0x11);
    (void)w;
    add(&b, ipv4, sizeof ipv4);
    add(&b,
        "\x02\x00\x0B"
        "example.com",
        14);
    add(&b, "\x04\x00\x00", 3);
    add(&b, "\xE0\x00\x01z", 4);
    add(&b, "\x05\x00\x00", 3);
    ck_assert_int_eq(plx_proxy_parse(b.bytes, sizeof b.bytes, &header), 52);
    ck_assert_uint_eq(header.tlvs_length, 24);
    ck_assert_int_eq(plx_proxy_tlv_next(header.tlvs, header.tlvs_length, &at, &tlv), 1);
    ck_assert_uint_eq(tlv.type, 2);
    ck_assert_uint_eq(tlv.length, 11);
    ck_assert_mem_eq(tlv.bytes, "example.com", 11);
    ck_assert_int_eq(plx_proxy_tlv_next(header.tlvs, header.tlvs_length, &at, &tlv), 1);
    ck_assert_uint_eq(tlv.type, 4);
    ck_assert_uint_eq(tlv.length, 0);
    ck_assert_int_eq(plx_proxy_tlv_next(header.tlvs, header.tlvs_length, &at, &tlv), 1);
    ck_assert_uint_eq(tlv.type, 0xE0);
    ck_assert_int_eq(plx_proxy_tlv_next(header.tlvs, header.tlvs_length, &at, &tlv), 1);
    ck_assert_uint_eq(tlv.type, 5);
    ck_assert_uint_eq(tlv.length, 0);
    ck_assert_int_eq(plx_proxy_tlv_next(header.tlvs, header.tlvs_length, &at, &tlv), 0);
    ck_assert_int_eq(plx_proxy_tlv_next(header.tlvs, header.tlvs_length, &at, &tlv), 0);
    check_parts(b.bytes, 52);
}

static void values_that_are_cut_off_are_refused(world *w)
{
    static const struct {
        const char *bytes;
        size_t length;
    } wrong[] = {{"\x02", 1},
                 {"\x02\x00", 2},
                 {"\x02\x00\x01", 3},
                 {"\x02\x01\x00?", 4},
                 {"\x04\x00\x00\x04", 4}};
    plx_proxy_header header;
    plx_proxy_tlv tlv;
    (void)w;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        binary b = binary_start(0x21, 0x11);
        size_t at = 0;
        int status;
        add(&b, ipv4, sizeof ipv4);
        add(&b, wrong[i].bytes, wrong[i].length);
        ck_assert_msg(binary_parse(&b, &header) == PLX_EPROTO, "number %u", (unsigned)i);
        do
            status = plx_proxy_tlv_next(wrong[i].bytes, wrong[i].length, &at, &tlv);
        while (status == 1);
        ck_assert_int_eq(status, PLX_EPROTO);
    }
}

/* What HAProxy 2.6.12 has sent with "send-proxy-v2 proxy-v2-options crc32c". */
static const unsigned char from_haproxy[] = {
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    0x21, 0x11, 0x00, 0x13, 0x7F, 0x00, 0x00, 0x01, 0x7F, 0x00, 0x00, 0x01,
    0xA3, 0x26, 0x8B, 0x7F, 0x03, 0x00, 0x04, 0xD2, 0x30, 0x8D, 0x47,
};

/* 2.2.3: a checksum that is there must match, whichever bit is another. */
static void checksum_covers_every_bit(world *w)
{
    plx_proxy_header header;
    unsigned char bytes[sizeof from_haproxy];
    const size_t length = sizeof from_haproxy;
    (void)w;
    ck_assert_int_eq(plx_proxy_parse(from_haproxy, length, &header), (int)length);
    ck_assert_uint_eq(header.family, PLX_PROXY_IPV4);
    for (size_t bit = 16 * 8; bit < length * 8; bit++) { /* Others are refused for other reasons. */
        memcpy(bytes, from_haproxy, length);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        int status = plx_proxy_parse(bytes, length, &header);
        /* Of its own type and length some make another value of it, which nobody checks. */
        if (bit / 8 >= 28 && bit / 8 < 31)
            continue;
        ck_assert_msg(status == PLX_EPROTO, "bit %u: %d", (unsigned)bit, status);
    }
}

static void checksums_that_are_no_checksum_are_refused(world *w)
{
    plx_proxy_header header;
    binary b = {{0}, 0};
    (void)w;
    memcpy(b.bytes, from_haproxy, sizeof from_haproxy);
    b.length = sizeof from_haproxy;
    ck_assert_int_gt(binary_parse(&b, &header), 0);
    add(&b, "\x03\x00\x04\0\0\0", 7); /* A second one. */
    ck_assert_int_eq(binary_parse(&b, &header), PLX_EPROTO);
    b = binary_start(0x21, 0x11);
    add(&b, ipv4, sizeof ipv4);
    /* Two of which each is right if only its own bytes are zeros: a solution of their equations. */
    add(&b, "\x03\x00\x04\xB3\x16\xDE\xF3\x03\x00\x04\xFD\x07\x31\xF9", 14);
    ck_assert_int_eq(binary_parse(&b, &header), PLX_EPROTO);
    for (char length = 0; length < 6; length++) {
        const char crc[8] = {3, 0, length, 0, 0, 0, 0, 0};
        b = binary_start(0x21, 0x11);
        add(&b, ipv4, sizeof ipv4);
        add(&b, crc, 3u + (size_t)length);
        ck_assert_int_eq(binary_parse(&b, &header), PLX_EPROTO);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

static void written_headers_are_read_again(world *w)
{
    static const struct {
        uint32_t version, family;
        const char *source, *destination;
        int length;
    } written[] = {
        {1, PLX_PROXY_IPV4, "tcp://192.0.2.1:4711", "tcp://127.0.0.1:80", 40},
        {1, PLX_PROXY_IPV6, "tcp://[2001:db8::1]:65535", "tcp://[::1]:1", 36},
        {2, PLX_PROXY_IPV4, "tcp://192.0.2.1:4711", "tcp://127.0.0.1:80", 28},
        {2, PLX_PROXY_IPV6, "tcp://[2001:db8::1]:65535", "tcp://[::1]:1", 52},
        {2, PLX_PROXY_UNIX, "unix:/run/x", "unix:@abstract", 232},
        {1, PLX_PROXY_UNKNOWN, NULL, NULL, 15},
        {2, PLX_PROXY_UNKNOWN, NULL, NULL, 16},
    };
    unsigned char bytes[PLX_PROXY_HEADER_MAX];
    plx_proxy_header header;
    (void)w;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const char *source = written[i].source;
        int length = plx_proxy_write(bytes, sizeof bytes, written[i].version, source,
                                     written[i].destination);
        ck_assert_int_eq(length, written[i].length);
        ck_assert_int_eq(plx_proxy_parse(bytes, (size_t)length, &header), length);
        ck_assert_uint_eq(header.version, written[i].version);
        ck_assert_uint_eq(header.family, written[i].family);
        ck_assert_uint_eq(header.is_local, source == NULL && written[i].version == 2);
        ck_assert_str_eq(header.source, source != NULL ? source : "");
        ck_assert_str_eq(header.destination, source != NULL ? written[i].destination : "");
        ck_assert_uint_eq(header.is_datagram, 0);
        ck_assert_int_eq(plx_proxy_write(bytes, (size_t)length - 1, written[i].version, source,
                                         written[i].destination),
                         PLX_EINVAL);
    }
}

/* Behind a path are zeros, whatever was there before; an abstract name begins with one. */
static void paths_are_written_to_their_ends(world *w)
{
    char longest[5 + 108] = "unix:";
    unsigned char bytes[PLX_PROXY_HEADER_MAX];
    static const unsigned char zeros[108];
    (void)w;
    memset(longest + 5, 'x', sizeof longest - 6);
    int length = plx_proxy_write(bytes, sizeof bytes, 2, longest, longest);
    ck_assert_int_eq(length, PLX_PROXY_HEADER_MAX);
    length = plx_proxy_write(bytes, sizeof bytes, 2, "unix:/a", "unix:@b");
    ck_assert_int_eq(length, PLX_PROXY_HEADER_MAX);
    ck_assert_mem_eq(bytes + 16, "/a", 2);
    ck_assert_mem_eq(bytes + 18, zeros, 106);
    ck_assert_mem_eq(bytes + 16 + 108, "\0b", 2);
    ck_assert_mem_eq(bytes + 18 + 108, zeros, 106);
}

static void headers_that_cannot_be_written_are_refused(world *w)
{
    static const char ip[] = "tcp://192.0.2.1:1";
    char bytes[PLX_PROXY_HEADER_MAX];
    (void)w;
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 0, ip, ip), PLX_EINVAL);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 3, ip, ip), PLX_EINVAL);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 2, ip, NULL), PLX_EADDRESS);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 2, ip, "tcp://[::1]:1"), PLX_EADDRESS);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 2, ip, "unix:/x"), PLX_EADDRESS);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 1, "unix:/x", "unix:/y"), PLX_EADDRESS);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 1, "192.0.2.1", ip), PLX_EADDRESS);
    static const char none[] = "tcp://no address:80";
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 1, none, none), PLX_EADDRESS);
    ck_assert_int_eq(plx_proxy_write(bytes, sizeof bytes, 2, none, "unix:/x"), PLX_EADDRESS);
}

/* docs/growing.md */
static void header_of_any_age_is_filled_in(world *w)
{
    struct {
        plx_proxy_header header;
        unsigned char tail[8];
    } got;
    plx_proxy_header whole;
    static const char line[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    (void)w;
    ck_assert_int_eq(parse_text(line, &whole), 36);
    memset(&got, 0xA5, sizeof got);
    ck_assert_int_eq(plx_proxy_parse_sized(line, 36, &got.header, sizeof got), 36);
    ck_assert_mem_eq(&got.header, &whole, sizeof whole);
    ck_assert_uint_eq(got.tail[7], 0);
    memset(&got, 0xA5, sizeof got);
    ck_assert_int_eq(plx_proxy_parse_sized(line, 36, &got.header, sizeof(uint32_t)), 36);
    ck_assert_uint_eq(got.header.version, 1);
    ck_assert_uint_eq(got.header.is_local, 0xA5A5A5A5);
}

const test_case unit_proxy_cases[] = {
    CASE(line_of_the_specification_is_read),
    CASE(longest_lines_are_read),
    CASE(lines_that_are_wrong_are_refused),
    CASE(ipv4_addresses_are_read),
    CASE(wrong_commands_and_families_are_refused_at_once),
    CASE(ipv6_addresses_are_read),
    CASE(paths_are_read),
    CASE(local_headers_have_no_addresses),
    CASE(unspecified_families_have_no_addresses),
    CASE(binary_headers_that_are_wrong_are_refused),
    CASE(values_are_read_one_by_one),
    CASE(values_that_are_cut_off_are_refused),
    CASE(checksum_covers_every_bit),
    CASE(checksums_that_are_no_checksum_are_refused),
    CASE(written_headers_are_read_again),
    CASE(paths_are_written_to_their_ends),
    CASE(headers_that_cannot_be_written_are_refused),
    CASE(header_of_any_age_is_filled_in),
    CASES_END,
};
