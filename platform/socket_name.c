/* platform/socket_name.c - the two addresses of a socket, asked for alike on all systems. */
#include <string.h>

#include "platform/os.h"

int plx__address_family_read(plx__address *address, socklen_t length)
{
    switch (plx__address_raw(address)->sa_family) {
    case AF_INET:
        address->family = PLX__FAMILY_IPV4;
        break;
    case AF_INET6:
        address->family = PLX__FAMILY_IPV6;
        break;
    case AF_UNIX:
        address->family = PLX__FAMILY_UNIX;
        break;
    default:
        return PLX_EAFNOSUPPORT;
    }
    address->length = (uint32_t)length;
    return 0;
}

int plx__socket_name(plx_socket socket, plx__address *address_out)
{
    socklen_t length = sizeof address_out->storage;
    memset(address_out, 0, sizeof *address_out);
    if (getsockname(socket, plx__address_raw(address_out), &length) != 0)
        return plx__fail_last();
    return plx__address_family_read(address_out, length);
}

int plx__socket_peer(plx_socket socket, plx__address *address_out)
{
    socklen_t length = sizeof address_out->storage;
    memset(address_out, 0, sizeof *address_out);
    if (getpeername(socket, plx__address_raw(address_out), &length) != 0)
        return plx__fail_last();
    return plx__address_family_read(address_out, length);
}
