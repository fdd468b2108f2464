/* platform/ip.c - IP addresses by their bytes, as all systems have them.
 *
 * It looks up nothing, and needs no sockets to be started: inet_pton() does not (RFC 3493, 6.3).
 */
#include <string.h>

#include "platform/os.h"

/* Of the longest text, "0000:0000:0000:0000:0000:ffff:255.255.255.255". */
#define TEXT_LENGTH_MAX (PLX__IP_TEXT_BYTES - 1)

/* Systems differ about other forms: a part that begins with 0 is octal for some. */
static bool is_plain_ipv4(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool begins = i == 0 || text[i - 1] == '.';
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (!is_digit && text[i] != '.')
            return false;
        if (begins && text[i] == '0' && text[i + 1] != '.' && text[i + 1] != '\0')
            return false;
    }
    return true;
}

int plx__ip_parse(plx__ip *ip_out, const char *text)
{
    bool is_ipv6 = strchr(text, ':') != NULL;
    memset(ip_out, 0, sizeof *ip_out);
    if (strlen(text) > TEXT_LENGTH_MAX)
        return PLX_EADDRESS;
    if (is_ipv6 ? text[strspn(text, "0123456789abcdefABCDEF:.")] != '\0' : !is_plain_ipv4(text))
        return PLX_EADDRESS;
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, ip_out->bytes) != 1)
        return PLX_EADDRESS;
    ip_out->length = is_ipv6 ? PLX__IPV6_BYTES : PLX__IPV4_BYTES;
    return 0;
}

void plx__ip_print(const plx__ip *ip, char text[PLX__IP_TEXT_BYTES])
{
    plx__ip own = *ip; /* Older headers of Windows want bytes that may be written. */
    if (inet_ntop(own.length == PLX__IPV6_BYTES ? AF_INET6 : AF_INET, own.bytes, text,
                  PLX__IP_TEXT_BYTES) == NULL)
        text[0] = '\0'; /* It fails for want of room alone. */
}

void plx__ip_unmap(plx__ip *ip)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (ip->length != PLX__IPV6_BYTES || memcmp(ip->bytes, mapped, sizeof mapped) != 0)
        return;
    memmove(ip->bytes, ip->bytes + sizeof mapped, PLX__IPV4_BYTES);
    memset(ip->bytes + PLX__IPV4_BYTES, 0, sizeof ip->bytes - PLX__IPV4_BYTES);
    ip->length = PLX__IPV4_BYTES;
}

void plx__ip_of(plx__ip *ip_out, const plx__address *address)
{
    memset(ip_out, 0, sizeof *ip_out);
    if (address->family == PLX__FAMILY_IPV4) {
        struct sockaddr_in raw;
        memcpy(&raw, address->storage.bytes, sizeof raw);
        memcpy(ip_out->bytes, &raw.sin_addr, PLX__IPV4_BYTES);
        ip_out->length = PLX__IPV4_BYTES;
    } else if (address->family == PLX__FAMILY_IPV6) {
        struct sockaddr_in6 raw;
        memcpy(&raw, address->storage.bytes, sizeof raw);
        memcpy(ip_out->bytes, &raw.sin6_addr, PLX__IPV6_BYTES);
        ip_out->length = PLX__IPV6_BYTES;
    }
}
