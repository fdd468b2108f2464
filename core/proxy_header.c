/* core/proxy_header.c - reads and writes headers of the PROXY protocol, and has no other effect.
 *
 * The chapters are those of HAProxy's doc/proxy-protocol.txt (2020/03/05).
 */
#include "core/proxy_header.h"

#include <stdio.h>
#include <string.h>

#include "platform/platform.h"
#include "platform/sized.h"

#define V1_LENGTH_MAX 107u /* 2.1: with the CRLF. */
#define V2_FIXED      16u  /* 2.2: signature, version and command, family, length. */
#define UNIX_BYTES    108u
#define TLV_FIXED     3u
#define TYPE_CRC32C   3u
#define CRC_BYTES     4u

static const char v1_start[] = "PROXY ";
static const unsigned char v2_start[12] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                           0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};

/* Whether the bytes, if they are fewer, are the beginning of the others. */
static bool begins(const unsigned char *bytes, size_t length, const void *start,
                   size_t start_length)
{
    return memcmp(bytes, start, length < start_length ? length : start_length) == 0;
}

/* --- addresses as text ------------------------------------------------------------------------ */

static void ip_text(char *text, const plx__ip *ip, unsigned port, bool is_datagram)
{
    char host[PLX__IP_TEXT_BYTES];
    const char *scheme = is_datagram ? "udp" : "tcp";
    plx__ip_print(ip, host);
    (void)snprintf(text, PLX_ADDRESS_TEXT_MAX,
                   ip->length == PLX__IPV6_BYTES ? "%s://[%s]:%u" : "%s://%s:%u", scheme, host,
                   port);
}

/* The path ends at the first zero, or with the block. An abstract name begins with one. */
static void unix_text(char *text, const unsigned char *path)
{
    char name[UNIX_BYTES + 1] = {0};
    memcpy(name, path, UNIX_BYTES);
    if (name[0] == '\0' && name[1] != '\0')
        name[0] = '@';
    (void)snprintf(text, PLX_ADDRESS_TEXT_MAX, "unix:%s", name);
}

/* --- version 1 -------------------------------------------------------------------------------- */

/* A word of the line, up to the next space or its end, which is a zero. */
static char *word_take(char **rest)
{
    char *word = *rest;
    if (word == NULL)
        return NULL;
    char *space = strchr(word, ' ');
    *rest = space != NULL ? space + 1 : NULL;
    if (space != NULL)
        *space = '\0';
    return word;
}

static bool port_parse(const char *word, unsigned *port_out)
{
    unsigned port = 0;
    size_t digits = 0;
    if (word == NULL)
        return false;
    for (; word[digits] >= '0' && word[digits] <= '9' && digits < 6; digits++)
        port = port * 10 + (unsigned)(word[digits] - '0');
    *port_out = port;
    return digits > 0 && word[digits] == '\0' && (digits == 1 || word[0] != '0') && port <= 65535;
}

/* The words behind the protocol: two addresses, two ports, and nothing else. */
static int v1_addresses(plx_proxy_header *header, char *rest, uint32_t ip_length)
{
    plx__ip ip[2];
    unsigned port[2];
    for (size_t i = 0; i < 2; i++) {
        const char *word = word_take(&rest);
        if (word == NULL || plx__ip_parse(&ip[i], word) != 0 || ip[i].length != ip_length)
            return PLX_EPROTO;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!port_parse(word_take(&rest), &port[i]))
            return PLX_EPROTO;
    }
    if (rest != NULL)
        return PLX_EPROTO;
    ip_text(header->source, &ip[0], port[0], false);
    ip_text(header->destination, &ip[1], port[1], false);
    return 0;
}

/* The line without its CRLF. */
static int v1_line(plx_proxy_header *header, const unsigned char *bytes, size_t length)
{
    char line[V1_LENGTH_MAX + 1];
    memcpy(line, bytes, length);
    line[length] = '\0';
    char *rest = line + sizeof v1_start - 1;
    const char *protocol = word_take(&rest);
    if (strcmp(protocol, "UNKNOWN") == 0)
        return 0; /* "The receiver must ignore anything presented before the CRLF". */
    const bool is_ipv4 = strcmp(protocol, "TCP4") == 0;
    if ((!is_ipv4 && strcmp(protocol, "TCP6") != 0) || memchr(bytes, '\0', length) != NULL)
        return PLX_EPROTO;
    header->family = is_ipv4 ? PLX_PROXY_IPV4 : PLX_PROXY_IPV6;
    return v1_addresses(header, rest, is_ipv4 ? PLX__IPV4_BYTES : PLX__IPV6_BYTES);
}

/* "The receiver must not tolerate a single CR or LF character to end the line". */
static int v1_parse(plx_proxy_header *header, const unsigned char *bytes, size_t length)
{
    size_t end = 0;
    size_t most = length < V1_LENGTH_MAX ? length : V1_LENGTH_MAX;
    while (end < most && bytes[end] != '\r' && bytes[end] != '\n')
        end++;
    if (end + 1 < most && bytes[end] == '\r' && bytes[end + 1] == '\n') {
        int status = v1_line(header, bytes, end);
        return status == 0 ? (int)(end + 2) : status;
    }
    bool may_end = end == most || (end + 1 == most && bytes[end] == '\r');
    return may_end && most < V1_LENGTH_MAX ? PLX_EAGAIN : PLX_EPROTO;
}

/* --- version 2 -------------------------------------------------------------------------------- */

static unsigned number_of(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* CRC32c, as RFC 4960, appendix B, has it: bit by bit, for a header is short. */
static uint32_t crc32c(uint32_t crc, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0x82F63B78) : 0);
    }
    return crc;
}

/* Whether the checksum at `at` is that of the header, with zeros instead of its own bytes. */
static bool crc_matches(const unsigned char *header, size_t length, const unsigned char *at)
{
    static const unsigned char zeros[CRC_BYTES];
    const size_t before = (size_t)(at - header);
    const size_t behind = before + CRC_BYTES;
    uint32_t crc = crc32c(UINT32_MAX, header, before);
    crc = crc32c(crc, zeros, CRC_BYTES);
    crc = ~crc32c(crc, header + behind, length - behind);
    uint32_t told = (uint32_t)number_of(at) << 16 | number_of(at + 2);
    return crc == told;
}

int plx_proxy_tlv_next(const void *tlvs, size_t length, size_t *position, plx_proxy_tlv *tlv_out)
{
    const unsigned char *bytes = tlvs;
    if (*position >= length)
        return 0;
    size_t left = length - *position;
    bytes += *position;
    if (left < TLV_FIXED || number_of(bytes + 1) > left - TLV_FIXED)
        return PLX_EPROTO;
    tlv_out->type = bytes[0];
    tlv_out->length = number_of(bytes + 1);
    tlv_out->bytes = bytes + TLV_FIXED;
    *position += TLV_FIXED + tlv_out->length;
    return 1;
}

/* All of them are whole, and a checksum matches. There is one at the most, or it would be open what
 * each one is of. */
static int tlvs_check(const plx_proxy_header *header, const unsigned char *bytes, size_t length)
{
    plx_proxy_tlv tlv;
    size_t position = 0;
    bool has_checksum = false;
    int status;
    while ((status = plx_proxy_tlv_next(header->tlvs, header->tlvs_length, &position, &tlv)) == 1) {
        if (tlv.type != TYPE_CRC32C)
            continue;
        if (has_checksum || tlv.length != CRC_BYTES || !crc_matches(bytes, length, tlv.bytes))
            return PLX_EPROTO;
        has_checksum = true;
    }
    return status;
}

/* The addresses, and how many bytes they have; -1 if `room` is too small for them. */
static int v2_addresses(plx_proxy_header *header, const unsigned char *block, size_t room)
{
    plx__ip ip[2] = {{.length = PLX__IPV4_BYTES}, {.length = PLX__IPV4_BYTES}};
    if (header->family == PLX_PROXY_UNIX) {
        if (room < 2 * UNIX_BYTES)
            return -1;
        unix_text(header->source, block);
        unix_text(header->destination, block + UNIX_BYTES);
        return 2 * UNIX_BYTES;
    }
    if (header->family == PLX_PROXY_IPV6)
        ip[0].length = ip[1].length = PLX__IPV6_BYTES;
    const size_t length = ip[0].length;
    if (room < 2 * length + 4)
        return -1;
    memcpy(ip[0].bytes, block, length);
    memcpy(ip[1].bytes, block + length, length);
    ip_text(header->source, &ip[0], number_of(block + 2 * length), header->is_datagram != 0);
    ip_text(header->destination, &ip[1], number_of(block + 2 * length + 2),
            header->is_datagram != 0);
    return (int)(2 * length + 4);
}

/* What follows the first 16 bytes of a PROXY command. */
static int v2_block(plx_proxy_header *header, const unsigned char *bytes, size_t length)
{
    const unsigned family = bytes[13] >> 4;
    const unsigned transport = bytes[13] & 15u;
    if (family == 0 || transport == 0)
        return 0;            /* Unspecified: "the receiver should ignore address information". */
    header->family = family; /* The numbers are the same. */
    header->is_datagram = transport == 2;
    int used = v2_addresses(header, bytes + V2_FIXED, length - V2_FIXED);
    if (used < 0)
        return PLX_EPROTO;
    header->tlvs = bytes + V2_FIXED + used;
    header->tlvs_length = length - V2_FIXED - (size_t)used;
    return tlvs_check(header, bytes, length);
}

static int v2_parse(plx_proxy_header *header, const unsigned char *bytes, size_t length)
{
    const size_t after_start = sizeof v2_start;
    if (length <= after_start)
        return PLX_EAGAIN;
    const bool is_local = bytes[after_start] == 0x20;
    if (!is_local && bytes[after_start] != 0x21)
        return PLX_EPROTO;
    /* Of a LOCAL command the family is ignored. */
    if (length > after_start + 1 && !is_local &&
        (bytes[13] >> 4 > PLX_PROXY_UNIX || (bytes[13] & 15u) > 2))
        return PLX_EPROTO;
    if (length < V2_FIXED)
        return PLX_EAGAIN;
    const size_t whole = V2_FIXED + number_of(bytes + 14);
    if (length < whole)
        return PLX_EAGAIN;
    header->is_local = is_local;
    int status = is_local ? 0 : v2_block(header, bytes, whole);
    return status == 0 ? (int)whole : status;
}

size_t plx__proxy_header_length(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    return length >= V2_FIXED && at[0] == v2_start[0] ? V2_FIXED + number_of(at + 14) : 0;
}

int plx_proxy_parse_sized(const void *bytes, size_t length, plx_proxy_header *header_out,
                          size_t header_bytes)
{
    plx_proxy_header header = {.version = 2};
    int status = PLX_EPROTO;
    if (length == 0)
        return PLX_EAGAIN;
    if (begins(bytes, length, v2_start, sizeof v2_start)) {
        status = v2_parse(&header, bytes, length);
    } else if (begins(bytes, length, v1_start, sizeof v1_start - 1)) {
        header.version = 1;
        status = v1_parse(&header, bytes, length);
    }
    if (status > 0)
        plx__sized_give(header_out, header_bytes, &header, sizeof header);
    return status;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* An address that is to be written: an IP address and its port, or a path. */
typedef struct endpoint {
    plx__ip ip;
    unsigned port;
    const char *path; /* NULL for an IP address. */
} endpoint;

static int endpoint_parse(endpoint *e, const char *text)
{
    plx__address address;
    memset(e, 0, sizeof *e);
    int status = plx__address_parse(&address, text);
    if (status != 0)
        return PLX_EADDRESS;
    if (address.family == PLX__FAMILY_UNIX) {
        e->path = text + strlen("unix:");
        return 0;
    }
    plx__ip_of(&e->ip, &address);
    return port_parse(strrchr(text, ':') + 1, &e->port) ? 0 : PLX_EADDRESS;
}

static int v1_write(char *text, size_t size, const endpoint ends[2])
{
    char host[2][PLX__IP_TEXT_BYTES];
    if (ends == NULL)
        return snprintf(text, size, "PROXY UNKNOWN\r\n");
    for (size_t i = 0; i < 2; i++)
        plx__ip_print(&ends[i].ip, host[i]);
    return snprintf(text, size, "PROXY TCP%c %s %s %u %u\r\n",
                    ends[0].ip.length == PLX__IPV4_BYTES ? '4' : '6', host[0], host[1],
                    ends[0].port, ends[1].port);
}

static int v2_write(unsigned char *bytes, const endpoint ends[2])
{
    size_t used = V2_FIXED;
    memset(bytes, 0, PLX_PROXY_HEADER_MAX);
    memcpy(bytes, v2_start, sizeof v2_start);
    bytes[12] = ends == NULL ? 0x20 : 0x21;
    if (ends != NULL && ends[0].path != NULL) {
        bytes[13] = PLX_PROXY_UNIX << 4 | 1;
        for (size_t i = 0; i < 2; i++, used += UNIX_BYTES) {
            memcpy(bytes + used, ends[i].path, strlen(ends[i].path));
            if (bytes[used] == '@')
                bytes[used] = '\0';
        }
    } else if (ends != NULL) {
        bytes[13] =
            (unsigned char)((ends[0].ip.length == PLX__IPV4_BYTES ? PLX_PROXY_IPV4 : PLX_PROXY_IPV6)
                                << 4 |
                            1);
        for (size_t i = 0; i < 2; i++, used += ends[0].ip.length)
            memcpy(bytes + used, ends[i].ip.bytes, ends[0].ip.length);
        for (size_t i = 0; i < 2; i++) {
            bytes[used++] = (unsigned char)(ends[i].port >> 8);
            bytes[used++] = (unsigned char)ends[i].port;
        }
    }
    bytes[15] = (unsigned char)(used - V2_FIXED);
    return (int)used;
}

int plx_proxy_write(void *bytes, size_t size, uint32_t version, const char *source,
                    const char *destination)
{
    unsigned char header[PLX_PROXY_HEADER_MAX];
    endpoint ends[2];
    if (version != 1 && version != 2)
        return PLX_EINVAL;
    if (source != NULL) {
        int status = endpoint_parse(&ends[0], source);
        if (status == 0)
            status = destination != NULL ? endpoint_parse(&ends[1], destination) : PLX_EADDRESS;
        if (status == 0 &&
            (ends[0].ip.length != ends[1].ip.length || (version == 1 && ends[0].path != NULL)))
            status = PLX_EADDRESS;
        if (status != 0)
            return status;
    }
    const endpoint *known = source != NULL ? ends : NULL;
    int length =
        version == 1 ? v1_write((char *)header, sizeof header, known) : v2_write(header, known);
    if ((size_t)length > size)
        return PLX_EINVAL;
    memcpy(bytes, header, (size_t)length);
    return length;
}
