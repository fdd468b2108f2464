/* posix/socket/interfaces.c - network interfaces: their names, addresses and flags.
 */
#include "posix/socket/socket.h"

#include <iphlpapi.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 256 }; /* IF_NAMESIZE of the programs' net/if.h. */

/* IFF_UP and the like. */
enum {
    IS_UP = 0x1,
    HAS_BROADCAST = 0x2,
    IS_LOOPBACK = 0x8,
    IS_RUNNING = 0x40,
    HAS_MULTICAST = 0x1000
};

static unsigned index_of(const IP_ADAPTER_ADDRESSES *adapter)
{
    return adapter->IfIndex != 0 ? adapter->IfIndex : adapter->Ipv6IfIndex;
}

/* --- addresses ---------------------------------------------------------------------------------
 */

/* As struct ifaddrs, with what it points to. */
typedef struct interface_address {
    struct interface_address *next;
    char *name;
    unsigned flags;
    struct sockaddr *address;
    struct sockaddr *mask;
    struct sockaddr *broadcast;
    void *data;
    char name_text[NAME_SIZE];
    struct sockaddr_storage storage[3];
} interface_address;

PLX__CALL void plx_posix_freeifaddrs(interface_address *list)
{
    while (list != NULL) {
        interface_address *next = list->next;
        free(list);
        list = next;
    }
}

/* The one by which net/if.h's functions know it. */
static bool name_get(const IP_ADAPTER_ADDRESSES *adapter, char *name)
{
    return if_indextoname(index_of(adapter), name) != NULL;
}

static bool is_loopback(const IP_ADAPTER_ADDRESSES *adapter)
{
    return adapter->IfType == IF_TYPE_SOFTWARE_LOOPBACK;
}

static unsigned flags_of(const IP_ADAPTER_ADDRESSES *adapter)
{
    unsigned flags = adapter->OperStatus == IfOperStatusUp ? IS_UP | IS_RUNNING : 0;
    return flags | (is_loopback(adapter) ? IS_LOOPBACK : HAS_BROADCAST | HAS_MULTICAST);
}

/* The mask of an address, and its network's broadcast address, for IPv4. */
static void network_fill(const IP_ADAPTER_UNICAST_ADDRESS *from, struct sockaddr_storage *mask,
                         struct sockaddr_storage *broadcast)
{
    const struct sockaddr *address = from->Address.lpSockaddr;
    bool is_ipv4 = address->sa_family == AF_INET;
    unsigned char *bytes = is_ipv4 ? (unsigned char *)&((struct sockaddr_in *)mask)->sin_addr
                                   : (unsigned char *)&((struct sockaddr_in6 *)mask)->sin6_addr;
    mask->ss_family = (short)address->sa_family;
    for (unsigned i = 0; i < from->OnLinkPrefixLength && i < (is_ipv4 ? 32u : 128u); i++)
        bytes[i / 8] |= (unsigned char)(0x80u >> (i % 8));
    if (!is_ipv4)
        return;
    memcpy(broadcast, address, sizeof(struct sockaddr_in));
    ((struct sockaddr_in *)broadcast)->sin_addr.s_addr |=
        ~((const struct sockaddr_in *)mask)->sin_addr.s_addr;
}

static interface_address *address_make(const IP_ADAPTER_ADDRESSES *adapter,
                                       const IP_ADAPTER_UNICAST_ADDRESS *from)
{
    interface_address *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    (void)name_get(adapter, made->name_text);
    made->name = made->name_text;
    made->flags = flags_of(adapter);
    memcpy(&made->storage[0], from->Address.lpSockaddr, (size_t)from->Address.iSockaddrLength);
    network_fill(from, &made->storage[1], &made->storage[2]);
    made->address = (struct sockaddr *)&made->storage[0];
    made->mask = (struct sockaddr *)&made->storage[1];
    if (made->storage[2].ss_family == AF_INET && !is_loopback(adapter))
        made->broadcast = (struct sockaddr *)&made->storage[2];
    return made;
}

static int addresses_list(const IP_ADAPTER_ADDRESSES *adapter, interface_address **list_out)
{
    interface_address **last = list_out;
    *list_out = NULL;
    for (; adapter != NULL; adapter = adapter->Next) {
        for (const IP_ADAPTER_UNICAST_ADDRESS *at = adapter->FirstUnicastAddress; at != NULL;
             at = at->Next) {
            *last = address_make(adapter, at);
            if (*last == NULL) {
                plx_posix_freeifaddrs(*list_out);
                return -ENOMEM;
            }
            last = &(*last)->next;
        }
    }
    return 0;
}

/* To be freed; NULL where there are none. 0, or a negative errno. */
static int adapters_get(IP_ADAPTER_ADDRESSES **adapters_out)
{
    ULONG size = 16384;
    IP_ADAPTER_ADDRESSES *adapters = NULL;
    ULONG code;
    *adapters_out = NULL;
    plx__start();
    do {
        free(adapters);
        adapters = malloc(size);
        if (adapters == NULL)
            return -ENOMEM;
        code = GetAdaptersAddresses(AF_UNSPEC, GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST,
                                    NULL, adapters, &size);
    } while (code == ERROR_BUFFER_OVERFLOW);
    if (code == ERROR_SUCCESS)
        *adapters_out = adapters;
    else
        free(adapters);
    return code == ERROR_SUCCESS || code == ERROR_NO_DATA ? 0 : plx__errno_of((int)code);
}

PLX__CALL int plx_posix_getifaddrs(interface_address **list_out)
{
    IP_ADAPTER_ADDRESSES *adapters;
    int status = adapters_get(&adapters);
    if (status == 0)
        status = addresses_list(adapters, list_out);
    free(adapters);
    return plx__answer_int(status);
}

/* --- names -------------------------------------------------------------------------------------
 */

/* As struct if_nameindex. */
typedef struct interface_name {
    unsigned index;
    char *name;
} interface_name;

static interface_name *names_list(const IP_ADAPTER_ADDRESSES *adapters)
{
    size_t count = 0;
    for (const IP_ADAPTER_ADDRESSES *at = adapters; at != NULL; at = at->Next)
        count++;
    interface_name *list = calloc(1, (count + 1) * sizeof *list + count * NAME_SIZE);
    char *name = list != NULL ? (char *)(list + count + 1) : NULL;
    count = 0;
    for (const IP_ADAPTER_ADDRESSES *at = adapters; list != NULL && at != NULL; at = at->Next) {
        if (!name_get(at, name))
            continue;
        list[count++] = (interface_name){index_of(at), name};
        name += NAME_SIZE;
    }
    return list;
}

PLX__CALL interface_name *plx_posix_if_nameindex(void)
{
    IP_ADAPTER_ADDRESSES *adapters;
    int status = adapters_get(&adapters);
    interface_name *list = status == 0 ? names_list(adapters) : NULL;
    free(adapters);
    if (list == NULL)
        errno = status != 0 ? -status : ENOBUFS;
    return list;
}

PLX__CALL void plx_posix_if_freenameindex(interface_name *list)
{
    free(list);
}

PLX__CALL unsigned plx_posix_if_nametoindex(const char *name)
{
    unsigned index = if_nametoindex(name);
    if (index == 0)
        errno = ENODEV;
    return index;
}

PLX__CALL char *plx_posix_if_indextoname(unsigned index, char *name)
{
    char *found = if_indextoname(index, name);
    if (found == NULL)
        errno = ENXIO;
    return found;
}

/* --- requests of ioctl() -----------------------------------------------------------------------
 */

enum {
    GET_NAME = 0x8910,
    GET_ALL = 0x8912,
    GET_FLAGS = 0x8913,
    GET_ADDRESS = 0x8915,
    GET_BROADCAST = 0x8919,
    GET_MASK = 0x891b,
    GET_MTU = 0x8921,
    GET_HARDWARE = 0x8927,
    GET_INDEX = 0x8933
};

static const IP_ADAPTER_ADDRESSES *adapter_named(const IP_ADAPTER_ADDRESSES *adapter,
                                                 const char *name)
{
    char its_name[NAME_SIZE];
    for (; adapter != NULL; adapter = adapter->Next) {
        if (name_get(adapter, its_name) && strncmp(its_name, name, NAME_SIZE) == 0)
            break;
    }
    return adapter;
}

static const IP_ADAPTER_ADDRESSES *adapter_numbered(const IP_ADAPTER_ADDRESSES *adapter, int index)
{
    while (adapter != NULL && (int)index_of(adapter) != index)
        adapter = adapter->Next;
    return adapter;
}

/* The first of its IPv4 addresses, with what belongs to it. */
static int address_answer(const IP_ADAPTER_ADDRESSES *adapter, unsigned long request,
                          plx__ifreq *asked)
{
    struct sockaddr_storage network[2] = {{.ss_family = 0}};
    const IP_ADAPTER_UNICAST_ADDRESS *at = adapter->FirstUnicastAddress;
    while (at != NULL && at->Address.lpSockaddr->sa_family != AF_INET)
        at = at->Next;
    if (at == NULL)
        return -EADDRNOTAVAIL;
    network_fill(at, &network[0], &network[1]);
    const void *answer = request == GET_ADDRESS ? (const void *)at->Address.lpSockaddr
                         : request == GET_MASK  ? (const void *)&network[0]
                                                : (const void *)&network[1];
    memcpy(&asked->value, answer, sizeof asked->value.address);
    return 0;
}

static void hardware_answer(const IP_ADAPTER_ADDRESSES *adapter, plx__ifreq *asked)
{
    enum { ETHERNET = 1, LOOPBACK = 772 }; /* ARPHRD_ETHER, ARPHRD_LOOPBACK */
    size_t length = adapter->PhysicalAddressLength;
    const size_t room = sizeof asked->value.address.bytes;
    memset(&asked->value, 0, sizeof asked->value);
    asked->value.address.family = is_loopback(adapter) ? LOOPBACK : ETHERNET;
    memcpy(asked->value.address.bytes, adapter->PhysicalAddress, length < room ? length : room);
}

static int adapter_answer(const IP_ADAPTER_ADDRESSES *adapter, unsigned long request,
                          plx__ifreq *asked)
{
    if (adapter == NULL)
        return -ENODEV;
    switch (request) {
    case GET_NAME:
        return name_get(adapter, asked->name) ? 0 : -ENODEV;
    case GET_FLAGS:
        asked->value.flags = (short)flags_of(adapter);
        return 0;
    case GET_MTU:
        asked->value.number = (int)adapter->Mtu;
        return 0;
    case GET_INDEX:
        asked->value.number = (int)index_of(adapter);
        return 0;
    case GET_HARDWARE:
        hardware_answer(adapter, asked);
        return 0;
    default:
        return address_answer(adapter, request, asked);
    }
}

/* Each IPv4 address, with the name of its interface, as far as there is room. */
static void all_answer(const IP_ADAPTER_ADDRESSES *adapter, plx__ifconf *asked)
{
    size_t room = asked->length > 0 ? (size_t)asked->length / sizeof(plx__ifreq) : 0;
    size_t count = 0;
    for (; adapter != NULL; adapter = adapter->Next) {
        for (const IP_ADAPTER_UNICAST_ADDRESS *at = adapter->FirstUnicastAddress; at != NULL;
             at = at->Next) {
            if (at->Address.lpSockaddr->sa_family != AF_INET)
                continue;
            if (asked->requests != NULL && count < room) {
                plx__ifreq *one = &asked->requests[count];
                memset(one, 0, sizeof *one);
                (void)name_get(adapter, one->name);
                memcpy(&one->value, at->Address.lpSockaddr, sizeof one->value.address);
            }
            count += asked->requests == NULL || count < room;
        }
    }
    asked->length = (int)(count * sizeof(plx__ifreq));
}

int plx__interface_ioctl(unsigned long request, void *argument)
{
    IP_ADAPTER_ADDRESSES *adapters = NULL;
    plx__ifreq *asked = argument;
    switch (request) {
    case GET_NAME:
    case GET_ALL:
    case GET_FLAGS:
    case GET_ADDRESS:
    case GET_BROADCAST:
    case GET_MASK:
    case GET_MTU:
    case GET_HARDWARE:
    case GET_INDEX:
        break;
    default:
        return -ENOTTY;
    }
    int status = adapters_get(&adapters);
    if (status == 0 && request == GET_ALL)
        all_answer(adapters, argument);
    else if (status == 0)
        status =
            adapter_answer(request == GET_NAME ? adapter_numbered(adapters, asked->value.number)
                                               : adapter_named(adapters, asked->name),
                           request, asked);
    free(adapters);
    return status;
}
