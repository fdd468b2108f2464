/* platform/address.c - addresses as text, in both directions.
 *
 * Only numeric hosts are understood here: looking up a name can block. "localhost" is the exception
 * that needs no look-up (RFC 6761, section 6.3).
 */
#include <stdio.h>
#include <string.h>

#include "platform/os.h"

#ifndef _WIN32
#include <netdb.h>
#endif

#define HOST_TEXT_MAX 80

static bool text_skip(const char **text, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

static int address_parse_unix(plx__address *address, const char *path)
{
    plx__sockaddr_un raw;
    size_t length = strlen(path);
    if (length == 0 || strcmp(path, "@") == 0) /* An abstract name of no bytes is none. */
        return PLX_EADDRESS;
    if (length >= sizeof raw.sun_path)
        return PLX_ENAMETOOLONG;
    memset(&raw, 0, sizeof raw);
    raw.sun_family = AF_UNIX;
    memcpy(raw.sun_path, path, length);
    /* "@name" is Linux's abstract namespace: a leading zero byte and no terminating one. */
    size_t used = length + 1;
    if (path[0] == '@') {
        raw.sun_path[0] = '\0';
        used = length;
    }
    memcpy(address->storage.bytes, &raw, sizeof raw);
    address->length = (uint32_t)(offsetof(plx__sockaddr_un, sun_path) + used);
    address->family = PLX__FAMILY_UNIX;
    return 0;
}

/* Cuts "host:port", "[host]:port" or ":port" in two. */
static int host_split(const char *text, char *host, const char **port)
{
    const char *colon;
    size_t length;
    if (text[0] == '[') {
        const char *bracket = strchr(text, ']');
        if (bracket == NULL || bracket[1] != ':')
            return PLX_EADDRESS;
        text++;
        length = (size_t)(bracket - text);
        colon = bracket + 1;
    } else {
        colon = strchr(text, ':');
        if (colon == NULL || strchr(colon + 1, ':') != NULL)
            return PLX_EADDRESS;
        length = (size_t)(colon - text);
    }
    if (length >= HOST_TEXT_MAX)
        return PLX_EADDRESS;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = colon + 1;
    return 0;
}

/* getaddrinfo() takes ports beyond 65,535 and signs on some systems. */
static bool port_is_valid(const char *port)
{
    unsigned value = 0;
    size_t digits = 0;
    for (; port[digits] >= '0' && port[digits] <= '9' && digits < 6; digits++)
        value = value * 10 + (unsigned)(port[digits] - '0');
    return digits > 0 && port[digits] == '\0' && value <= 65535;
}

static int address_parse_tcp(plx__address *address, const char *text)
{
    char host[HOST_TEXT_MAX];
    const char *port;
    struct addrinfo hints = {0};
    struct addrinfo *found = NULL;
    bool is_ipv6 = text[0] == '[';
    int status = host_split(text, host, &port);
    if (status != 0)
        return status;
    if (!port_is_valid(port))
        return PLX_EADDRESS;
    const char *node = host;
    if (!is_ipv6 && host[0] == '\0')
        node = "0.0.0.0";
    else if (!is_ipv6 && strcmp(host, "localhost") == 0)
        node = "127.0.0.1";
    hints.ai_family = is_ipv6 ? AF_INET6 : AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    if (getaddrinfo(node, port, &hints, &found) != 0)
        return PLX_EADDRESS;
    memcpy(address->storage.bytes, found->ai_addr, found->ai_addrlen);
    address->length = (uint32_t)found->ai_addrlen;
    address->family = is_ipv6 ? PLX__FAMILY_IPV6 : PLX__FAMILY_IPV4;
    freeaddrinfo(found);
    return 0;
}

int plx__address_parse(plx__address *address, const char *text)
{
    if (text == NULL)
        return PLX_EADDRESS;
    if (text_skip(&text, "tcp://"))
        return address_parse_tcp(address, text);
    if (text_skip(&text, "unix:"))
        return address_parse_unix(address, text);
    return strstr(text, "://") != NULL ? PLX_ESCHEME : PLX_EADDRESS;
}

static int address_print_unix(const plx__address *address, char *text, size_t size)
{
    plx__sockaddr_un raw;
    size_t used = 0;
    memcpy(&raw, address->storage.bytes, address->length);
    if (address->length > offsetof(plx__sockaddr_un, sun_path))
        used = address->length - offsetof(plx__sockaddr_un, sun_path);
    if (used > 1 && raw.sun_path[0] == '\0')
        raw.sun_path[0] = '@';
    int printed = snprintf(text, size, "unix:%.*s", (int)used, raw.sun_path);
    return printed >= 0 && (size_t)printed < size ? 0 : PLX_EINVAL;
}

int plx__address_print(const plx__address *address, char *text, size_t size)
{
    char host[HOST_TEXT_MAX];
    char port[8];
    int printed;
    if (address->family == PLX__FAMILY_UNIX)
        return address_print_unix(address, text, size);
    if (getnameinfo(plx__address_raw_const(address), (socklen_t)address->length, host, sizeof host,
                    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return PLX_EINVAL;
    if (address->family == PLX__FAMILY_IPV6)
        printed = snprintf(text, size, "tcp://[%s]:%s", host, port);
    else
        printed = snprintf(text, size, "tcp://%s:%s", host, port);
    return printed >= 0 && (size_t)printed < size ? 0 : PLX_EINVAL;
}

const char *plx__address_path(const plx__address *address)
{
    const unsigned char *path = address->storage.bytes + offsetof(plx__sockaddr_un, sun_path);
    if (address->family != PLX__FAMILY_UNIX || path[0] == '\0')
        return NULL;
    return (const char *)path;
}
