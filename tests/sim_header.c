/* tests/sim_header.c - owns what guests begin with: headers of the PROXY protocol, and what is
 * none.
 *
 * plx_proxy_parse() of all the bytes at once tells what must come of them in pieces.
 */
#include <stdio.h>
#include <string.h>

#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/sim_guests.h"

#define DESTINATION_IPV4 "tcp://198.51.100.7:80"
#define DESTINATION_IPV6 "tcp://[2001:db8::7]:80"
#define DESTINATION_UNIX "unix:/served"

enum { VALUE_HEAD = 3, LENGTH_AT = 14, NOOP = 4 };

/* Returns the destination that suits. */
static const char *source_choose(guest *g, uint32_t version)
{
    const uint32_t port = 1000 + g->number;
    switch (g->kind == GUEST_LONG ? 0 : chance_below(4)) {
    case 0:
        (void)snprintf(g->source, sizeof g->source, "tcp://192.0.2.1:%u", port);
        return DESTINATION_IPV4;
    case 1:
        (void)snprintf(g->source, sizeof g->source, "tcp://[2001:db8::1]:%u", port);
        return DESTINATION_IPV6;
    case 2:
        if (version == 1)
            break;
        (void)snprintf(g->source, sizeof g->source, "unix:/guest/%u", port);
        return DESTINATION_UNIX;
    default:
        break;
    }
    g->source[0] = '\0';
    return NULL;
}

/* A value that means nothing makes it so long; version 2. */
static void lengthen(guest *g, uint32_t total)
{
    const uint32_t value = total - g->header_length - VALUE_HEAD;
    unsigned char *at = g->header + g->header_length;
    CHECK(total <= GUEST_HEADER_MAX);
    at[0] = NOOP;
    at[1] = (unsigned char)(value >> 8);
    at[2] = (unsigned char)value;
    memset(at + VALUE_HEAD, 0x0D, value);
    g->header_length = total;
    g->header[LENGTH_AT] = (unsigned char)((total - 16) >> 8);
    g->header[LENGTH_AT + 1] = (unsigned char)(total - 16);
}

static uint32_t length_max(void)
{
    return guests.header_max != 0 ? guests.header_max : GUEST_HEADER_MAX;
}

/* A byte of it is another, so that it is none any more. */
static void spoil(guest *g)
{
    static const char other[] = "GET / HTTP/1.1\r\n\r\n";
    plx_proxy_header header;
    for (int tries = 0; tries < 10; tries++) {
        unsigned char *byte = &g->header[chance_below(g->header_length)];
        const unsigned char before = *byte;
        *byte = (unsigned char)chance_below(256);
        if (plx_proxy_parse(g->header, g->header_length, &header) == PLX_EPROTO)
            return;
        *byte = before;
    }
    memcpy(g->header, other, sizeof other - 1);
    g->header_length = sizeof other - 1;
}

void guest_header_make(guest *g)
{
    plx_proxy_header header;
    const uint32_t version = g->kind == GUEST_LONG ? 2 : 1 + (uint32_t)chance_below(2);
    const char *destination = source_choose(g, version);
    int length = plx_proxy_write(g->header, sizeof g->header, version,
                                 destination != NULL ? g->source : NULL, destination);
    CHECK(length > 0);
    g->header_length = (uint32_t)length;
    const uint32_t least = g->header_length + VALUE_HEAD;
    if (g->kind == GUEST_LONG)
        lengthen(g, guests.header_max + 1 + (uint32_t)chance_below(50));
    else if (version == 2 && one_in(2) && length_max() > least)
        lengthen(g, least + (uint32_t)chance_below(length_max() - least + 1));
    CHECK(plx_proxy_parse(g->header, g->header_length, &header) == (int)g->header_length);
    if (g->kind == GUEST_WRONG)
        spoil(g);
    else if (g->kind == GUEST_ENDLESS || g->kind == GUEST_CUT)
        g->header_length = 1 + (uint32_t)chance_below(g->header_length - 1);
    else if (g->kind == GUEST_MUTE)
        g->header_length = 0;
}

void guest_header_check(const guest *g, const plx_proxy_header *header)
{
    plx_proxy_header sent;
    CHECK(plx_proxy_parse(g->header, g->header_length, &sent) == (int)g->header_length);
    CHECK(header->version == sent.version && header->is_local == sent.is_local);
    CHECK(header->family == sent.family && header->tlvs_length == sent.tlvs_length);
    CHECK(strcmp(header->source, g->source) == 0);
    CHECK(strcmp(header->destination, sent.destination) == 0);
    if (sent.tlvs_length > 0)
        CHECK(memcmp(header->tlvs, sent.tlvs, sent.tlvs_length) == 0);
}
