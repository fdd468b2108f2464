/* posix/names/name_servers.c - what Windows is set up with for the resolver: name servers and
 * domains.
 */
#include "posix/socket/socket.h"

#include <iphlpapi.h>
#include <stdlib.h>
#include <string.h>

#include "posix/names/resolver.h"

/* --- adapters ------------------------------------------------------------------------------- */

/* To be freed; NULL where there are none, or no memory. */
static IP_ADAPTER_ADDRESSES *adapters_get(void)
{
    ULONG size = 16384;
    IP_ADAPTER_ADDRESSES *adapters = NULL;
    ULONG code;
    do {
        free(adapters);
        adapters = malloc(size);
        if (adapters == NULL)
            return NULL;
        code = GetAdaptersAddresses(
            AF_UNSPEC, GAA_FLAG_SKIP_UNICAST | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST,
            NULL, adapters, &size);
    } while (code == ERROR_BUFFER_OVERFLOW);
    if (code == ERROR_SUCCESS)
        return adapters;
    free(adapters);
    return NULL;
}

/* To be freed; or NULL. */
static FIXED_INFO *parameters_get(void)
{
    ULONG size = sizeof(FIXED_INFO);
    FIXED_INFO *parameters = NULL;
    DWORD code;
    do {
        free(parameters);
        parameters = malloc(size);
        if (parameters == NULL)
            return NULL;
        code = GetNetworkParams(parameters, &size);
    } while (code == ERROR_BUFFER_OVERFLOW);
    if (code == ERROR_SUCCESS)
        return parameters;
    free(parameters);
    return NULL;
}

/* The adapter that comes behind `last` (NULL: the first) in the order in which Windows prefers
 * them: by metric, else as they are listed. NULL: none does. */
static const IP_ADAPTER_ADDRESSES *adapter_next(const IP_ADAPTER_ADDRESSES *list,
                                                const IP_ADAPTER_ADDRESSES *last)
{
    const IP_ADAPTER_ADDRESSES *best = NULL;
    bool is_behind = last == NULL; /* In the list. */
    for (const IP_ADAPTER_ADDRESSES *at = list; at != NULL; at = at->Next) {
        if (at == last) {
            is_behind = true;
            continue;
        }
        if (at->OperStatus != IfOperStatusUp)
            continue;
        if (last != NULL && (at->Ipv4Metric < last->Ipv4Metric ||
                             (at->Ipv4Metric == last->Ipv4Metric && !is_behind)))
            continue;
        if (best == NULL || at->Ipv4Metric < best->Ipv4Metric)
            best = at;
    }
    return best;
}

/* --- servers -------------------------------------------------------------------------------- */

static void server_add(plx__name_setup *setup, const struct sockaddr *address)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    plx__name_server server;
    memset(&server, 0, sizeof server);
    if (address->sa_family == AF_INET6) {
        /* Windows lists fec0:0:0:ffff::1 to 3 for each adapter that has been told of no server;
         * such addresses of a site exist no more (RFC 3879). */
        if (IN6_IS_ADDR_SITELOCAL(&six->sin6_addr))
            return;
        server.is_ipv6 = 1;
        server.scope = six->sin6_scope_id;
        memcpy(server.bytes, &six->sin6_addr, 16);
    } else if (address->sa_family == AF_INET) {
        memcpy(server.bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
    } else {
        return;
    }
    for (size_t i = 0; i < setup->servers_count; i++) {
        if (memcmp(&setup->servers[i], &server, sizeof server) == 0)
            return;
    }
    if (setup->servers_count < PLX__SERVERS_MAX)
        setup->servers[setup->servers_count++] = server;
}

/* Those of the whole system, which are of IPv4, as texts. */
static void servers_add(plx__name_setup *setup, const IP_ADDR_STRING *list)
{
    for (; list != NULL; list = list->Next) {
        struct sockaddr_in address;
        memset(&address, 0, sizeof address);
        address.sin_family = AF_INET;
        if (inet_pton(AF_INET, list->IpAddress.String, &address.sin_addr) == 1 &&
            address.sin_addr.s_addr != INADDR_ANY)
            server_add(setup, (const struct sockaddr *)&address);
    }
}

/* --- domains -------------------------------------------------------------------------------- */

static void domain_add(plx__name_setup *setup, const char *domain)
{
    if (*domain == '\0' || strlen(domain) >= sizeof setup->domains[0])
        return;
    for (size_t i = 0; i < setup->domains_count; i++) {
        if (_stricmp(setup->domains[i], domain) == 0)
            return;
    }
    if (setup->domains_count < PLX__DOMAINS_MAX)
        strcpy(setup->domains[setup->domains_count++], domain);
}

static void wide_domain_add(plx__name_setup *setup, const wchar_t *wide)
{
    char domain[sizeof setup->domains[0]];
    if (wide != NULL &&
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, domain, sizeof domain, NULL, NULL) != 0)
        domain_add(setup, domain);
}

/* --- all of it ------------------------------------------------------------------------------ */

void plx__name_setup_get(plx__name_setup *setup_out)
{
    memset(setup_out, 0, sizeof *setup_out);
    plx__start();
    FIXED_INFO *parameters = parameters_get();
    IP_ADAPTER_ADDRESSES *adapters = adapters_get();
    if (parameters != NULL)
        domain_add(setup_out, parameters->DomainName);
    for (const IP_ADAPTER_ADDRESSES *at = adapter_next(adapters, NULL); at != NULL;
         at = adapter_next(adapters, at)) {
        for (const IP_ADAPTER_DNS_SERVER_ADDRESS *server = at->FirstDnsServerAddress;
             server != NULL; server = server->Next)
            server_add(setup_out, server->Address.lpSockaddr);
        wide_domain_add(setup_out, at->DnsSuffix);
        for (const IP_ADAPTER_DNS_SUFFIX *suffix = at->FirstDnsSuffix; suffix != NULL;
             suffix = suffix->Next)
            wide_domain_add(setup_out, suffix->String);
    }
    if (parameters != NULL)
        servers_add(setup_out, &parameters->DnsServerList);
    free(adapters);
    free(parameters);
}

void plx__port_scatter(int fd)
{
    enum { RANDOMIZE_PORT = 0x3005 }; /* SO_RANDOMIZE_PORT. */
    const int is_on = 1;
    plx__file *file;
    if (plx__socket_get(fd, &file) != 0)
        return;
    if (plx__file_is_socket(file))
        (void)setsockopt(plx__socket_handle(file), SOL_SOCKET, RANDOMIZE_PORT, (const char *)&is_on,
                         sizeof is_on);
    plx__file_put(file);
}
