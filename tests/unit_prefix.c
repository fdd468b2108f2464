/* tests/unit_prefix.c - blocks of IP addresses: what is one, and whose address is in it. */
#include <string.h>

#include "core/address_prefix.h"
#include "tests/harness.h"

extern const test_case unit_prefix_cases[];

static bool has(const char *prefix, const char *ip)
{
    plx__address_prefix parsed;
    plx__ip found;
    ck_assert_msg(plx__address_prefix_parse(&parsed, prefix) == 0, "%s", prefix);
    ck_assert_msg(plx__ip_parse(&found, ip) == 0, "%s", ip);
    return plx__address_prefix_has(&parsed, &found);
}

static void prefixes_are_told_from_what_is_none(world *w)
{
    static const char *const good[] = {
        "0.0.0.0/0", "10.0.0.0/8", "127.0.0.1",      "192.168.4.0/22", "255.255.255.255/32",
        "::/0",      "::1",        "2001:db8::/32",  "fe80::/10",      "::ffff:10.0.0.0/104",
        "::1/128",   "10.0.0.0/9", "2001:DB8:1::/48"};
    static const char *const bad[] = {
        "",
        "/",
        "/8",
        "10",
        "10/8",
        "10.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/8 ",
        " 10.0.0.0/8",
        "10.0.0.1/8",
        "010.0.0.0/8",
        "10.0.0.0/8/8",
        "256.0.0.0/8",
        "0x0a.0.0.0/8",
        "10.0.0.0.0",
        "10.0.0.0/1000",
        "10..0.0/8",
        "::/129",
        "::1/64",
        "[::1]/128",
        "fe80::1%lo/64",
        ":/0",
        ":::/0",
        "1:2:3:4:5:6:7:8:9",
        "::ffff:10.0.0.0/95",
        "2001:db8::/-1",
        "localhost/8",
        "tcp://10.0.0.0/8",
        "12345::/16",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8"};
    plx__address_prefix prefix;
    (void)w;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(plx__address_prefix_parse(&prefix, good[i]) == 0, "\"%s\"", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(plx__address_prefix_parse(&prefix, bad[i]) == PLX_EINVAL, "\"%s\"", bad[i]);
    ck_assert_int_eq(plx__address_prefix_parse(&prefix, NULL), PLX_EINVAL);
}

static void addresses_are_in_their_prefix_alone(world *w)
{
    (void)w;
    ck_assert(has("10.0.0.0/8", "10.255.255.255"));
    ck_assert(!has("10.0.0.0/8", "11.0.0.0"));
    ck_assert(has("192.168.4.0/22", "192.168.7.255"));
    ck_assert(!has("192.168.4.0/22", "192.168.8.0"));
    ck_assert(!has("192.168.4.0/22", "192.168.3.255"));
    ck_assert(has("127.0.0.1", "127.0.0.1"));
    ck_assert(!has("127.0.0.1", "127.0.0.0"));
    ck_assert(has("0.0.0.0/0", "203.0.113.9"));
    ck_assert(has("2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!has("2001:db8::/33", "2001:db8:8000::1"));
    ck_assert(has("::/0", "2001:db8::1"));
    ck_assert(!has("::1", "::2"));
}

static void ipv4_in_ipv6_counts_as_ipv4(world *w)
{
    (void)w;
    ck_assert(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    ck_assert(!has("10.0.0.0/8", "::ffff:11.1.2.3"));
    ck_assert(has("::ffff:10.0.0.0/104", "10.1.2.3"));
    ck_assert(!has("::ffff:10.0.0.0/104", "11.1.2.3"));
    ck_assert(!has("::/0", "10.1.2.3"));
    ck_assert(!has("0.0.0.0/0", "2001:db8::1"));
    ck_assert(!has("0.0.0.0/0", "::10.1.2.3")); /* That form is another one, and is not used. */
}

static void addresses_have_their_ip(world *w)
{
    plx__ip ip;
    plx__ip wanted;
    plx__address_prefix all;
    (void)w;
    ck_ok(plx__address_ip(&ip, "tcp://10.1.2.3:80"));
    ck_ok(plx__ip_parse(&wanted, "10.1.2.3"));
    ck_assert(memcmp(&ip, &wanted, sizeof ip) == 0);
    ck_ok(plx__address_ip(&ip, "tcp://[2001:db8::7]:80"));
    ck_ok(plx__ip_parse(&wanted, "2001:db8::7"));
    ck_assert(memcmp(&ip, &wanted, sizeof ip) == 0);
    ck_ok(plx__address_ip(&ip, "unix:/run/x"));
    ck_assert_uint_eq(ip.length, 0);
    ck_ok(plx__address_prefix_parse(&all, "0.0.0.0/0"));
    ck_assert(!plx__address_prefix_has(&all, &ip));
    ck_assert_int_eq(plx__address_ip(&ip, "10.1.2.3"), PLX_EADDRESS);
}

static void sockets_tell_the_ip_of_their_peer(world *w)
{
    couple c;
    plx__ip ip;
    plx__address_prefix loopback;
    (void)w;
    ck_ok(plx__address_prefix_parse(&loopback, "127.0.0.0/8"));
    c = couple_open();
    ck_ok(plx__socket_peer_ip(&ip, c.ours.socket));
    ck_assert(plx__address_prefix_has(&loopback, &ip));
    couple_close(&c);
    ck_assert_int_ne(plx__socket_peer_ip(&ip, PLX_SOCKET_NONE), 0);
    ck_assert_uint_eq(ip.length, 0);
}

const test_case unit_prefix_cases[] = {
    CASE(prefixes_are_told_from_what_is_none), CASE(addresses_are_in_their_prefix_alone),
    CASE(ipv4_in_ipv6_counts_as_ipv4),         CASE(addresses_have_their_ip),
    CASE(sockets_tell_the_ip_of_their_peer),   CASES_END,
};
