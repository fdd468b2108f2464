/* core/address_prefix.c - blocks of IP addresses. */
#include "core/address_prefix.h"

#include <string.h>

#include "core/socket.h"

#define TEXT_MAX 64

/* One to three digits, without a leading 0. */
static bool length_parse(uint32_t *bits_out, const char *text)
{
    uint32_t bits = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 4; digits++)
        bits = bits * 10 + (uint32_t)(text[digits] - '0');
    *bits_out = bits;
    return digits > 0 && text[digits] == '\0' && (digits == 1 || text[0] != '0');
}

/* Whether bit `index` is set, counted from the first. */
static bool ip_bit(const plx__ip *ip, uint32_t index)
{
    return (ip->bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

/* Of a prefix whose address is mapped, the part that counts for IPv4: at least 96 bits belong to
 * the prefix, for the last of them are not 0. */
static void prefix_unmap(plx__address_prefix *prefix)
{
    uint32_t length = prefix->ip.length;
    plx__ip_unmap(&prefix->ip);
    prefix->bits -= 8 * (length - prefix->ip.length);
}

int plx__address_prefix_parse(plx__address_prefix *prefix_out, const char *text)
{
    char host[TEXT_MAX];
    const char *slash = text != NULL ? strchr(text, '/') : NULL;
    size_t length = text == NULL ? 0 : slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (length == 0 || length >= sizeof host)
        return PLX_EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    if (plx__ip_parse(&prefix_out->ip, host) != 0)
        return PLX_EINVAL;
    uint32_t bits_max = 8 * prefix_out->ip.length;
    prefix_out->bits = bits_max;
    if (slash != NULL &&
        (!length_parse(&prefix_out->bits, slash + 1) || prefix_out->bits > bits_max))
        return PLX_EINVAL;
    for (uint32_t bit = prefix_out->bits; bit < bits_max; bit++) {
        if (ip_bit(&prefix_out->ip, bit))
            return PLX_EINVAL;
    }
    prefix_unmap(prefix_out);
    return 0;
}

bool plx__address_prefix_has(const plx__address_prefix *prefix, const plx__ip *ip)
{
    plx__ip own = *ip;
    plx__ip_unmap(&own);
    if (own.length != prefix->ip.length)
        return false;
    uint32_t whole = prefix->bits / 8;
    uint32_t rest = prefix->bits % 8;
    if (memcmp(own.bytes, prefix->ip.bytes, whole) != 0)
        return false;
    return rest == 0 || (own.bytes[whole] ^ prefix->ip.bytes[whole]) >> (8 - rest) == 0;
}

int plx__address_ip(plx__ip *ip_out, const char *address)
{
    plx__address parsed;
    memset(ip_out, 0, sizeof *ip_out);
    int status = plx__address_parse(&parsed, address);
    if (status == 0)
        plx__ip_of(ip_out, &parsed);
    return status;
}

int plx__socket_peer_ip(plx__ip *ip_out, plx_socket socket)
{
    plx__address peer;
    memset(ip_out, 0, sizeof *ip_out);
    int status = plx__socket_host(socket)->peer(socket, &peer);
    if (status == 0)
        plx__ip_of(ip_out, &peer);
    return status;
}
