/* posix/socket/control.c - control messages: what goes and comes beside the bytes of sendmsg()
 * and recvmsg(), in Linux's forms and in Winsock's.
 *
 * Winsock tells of datagrams what Linux does (WSARecvMsg); an interface and a source are given to
 * WSASendMsg. Wine 8 takes these and does not heed them. A time to live and a type of service for
 * one datagram are options of the socket around that send, for Windows does not promise more.
 */
#include "posix/socket/socket.h"

#include <mswsock.h>
#include <string.h>

/* Not in every SDK (ws2ipdef.h). */
#ifndef IP_TOS
#define IP_TOS 3
#endif
#ifndef IPV6_TCLASS
#define IPV6_TCLASS 39
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif

#define ALIGNED(length) (((length) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))

static SRWLOCK option_lock = SRWLOCK_INIT; /* Over options that stand for one send. */

/* --- what a program sends ------------------------------------------------------------------- */

/* As struct in_pktinfo. */
typedef struct packet_info4 {
    unsigned interface_index;
    unsigned char source[4];
    unsigned char destination[4];
} packet_info4;

/* As struct in6_pktinfo. */
typedef struct packet_info6 {
    unsigned char source[16];
    unsigned interface_index;
} packet_info6;

static int number_read(const void *data, size_t length, bool may_be_byte, int *number_out)
{
    if (length == 1 && may_be_byte) {
        *number_out = *(const unsigned char *)data;
        return 0;
    }
    if (length != sizeof *number_out)
        return -EINVAL;
    memcpy(number_out, data, sizeof *number_out);
    return 0;
}

static int four_read(int type, const void *data, size_t length, plx__control *control)
{
    packet_info4 info;
    int status = 0;
    switch (type) {
    case IP_PKTINFO:
        if (length != sizeof info)
            return -EINVAL;
        memcpy(&info, data, sizeof info);
        control->has_source = true;
        control->interface_index = info.interface_index;
        memcpy(control->source, info.source, sizeof info.source);
        return 0;
    case IP_TTL:
        status = number_read(data, length, false, &control->hops);
        return status == 0 && (control->hops < 1 || control->hops > 255) ? -EINVAL : status;
    case IP_TOS:
        status = number_read(data, length, true, &control->traffic_class);
        return status == 0 && (control->traffic_class < 0 || control->traffic_class > 255) ? -EINVAL
                                                                                           : status;
    default:
        return -EINVAL;
    }
}

static int six_read(int type, const void *data, size_t length, plx__control *control)
{
    packet_info6 info;
    int status = 0;
    switch (type) {
    case IPV6_PKTINFO:
        if (length < sizeof info)
            return -EINVAL;
        memcpy(&info, data, sizeof info);
        control->has_source = true;
        control->interface_index = info.interface_index;
        memcpy(control->source, info.source, sizeof info.source);
        return 0;
    case IPV6_HOPLIMIT:
        status = number_read(data, length, false, &control->hops);
        return status == 0 && (control->hops < -1 || control->hops > 255) ? -EINVAL : status;
    case IPV6_TCLASS:
        status = number_read(data, length, false, &control->traffic_class);
        return status == 0 && (control->traffic_class < -1 || control->traffic_class > 255)
                   ? -EINVAL
                   : status;
    default:
        return -EINVAL;
    }
}

/* Linux lets each protocol look at messages of its own level, and passes over others. */
static int one_read(const plx__cmsghdr *head, const void *data, size_t length, int family,
                    bool is_datagram, plx__control *control)
{
    if (head->level == SOL_SOCKET) {
        if (head->type != PLX__SCM_RIGHTS)
            return -EINVAL;
        if (family != AF_UNIX)
            return 0;
        return plx__rights_add(&control->rights, data, length / sizeof(int));
    }
    if (!is_datagram)
        return 0;
    if (head->level == IPPROTO_IP && family == AF_INET)
        return four_read(head->type, data, length, control);
    if (head->level == IPPROTO_IPV6 && family == AF_INET6)
        return six_read(head->type, data, length, control);
    return 0;
}

int plx__control_read(const plx__msghdr *message, plx__file *file, plx__control *control_out)
{
    bool is_socket = plx__file_is_socket(file);
    int family = is_socket ? plx__socket_of(file)->family : AF_UNIX;
    bool is_datagram = is_socket && plx__socket_of(file)->type != SOCK_STREAM;
    const unsigned char *at = message->control;
    size_t left = message->control_length;
    int status = 0;
    memset(control_out, 0, sizeof *control_out);
    control_out->family = family;
    control_out->hops = control_out->traffic_class = -1;
    if (left > 0 && at == NULL)
        return -EFAULT;
    while (status == 0 && left >= sizeof(plx__cmsghdr)) {
        plx__cmsghdr head;
        memcpy(&head, at, sizeof head);
        if (head.length < sizeof head || head.length > left)
            status = -EINVAL;
        else
            status = one_read(&head, at + sizeof head, head.length - sizeof head, family,
                              is_datagram, control_out);
        size_t step = status == 0 ? ALIGNED(head.length) : left;
        at += step < left ? step : left;
        left -= step < left ? step : left;
    }
    if (status != 0) {
        plx__rights_drop(control_out->rights);
        control_out->rights = NULL;
    }
    return status;
}

/* --- what it is told ------------------------------------------------------------------------ */

/* Room for a message of up to `length` bytes: its header, whose data are yet to be filled in and
 * may have been cut; or NULL. As Linux's put_cmsg(). */
static unsigned char *room_take(plx__msghdr *message, size_t *used, int level, int type,
                                size_t *length, plx__extras *extras)
{
    size_t left = message->control_length - *used;
    plx__cmsghdr head = {sizeof head + *length, level, type};
    if (message->control == NULL || left < sizeof head) {
        extras->flags |= PLX__MSG_CTRUNC;
        return NULL;
    }
    if (head.length > left) {
        extras->flags |= PLX__MSG_CTRUNC;
        head.length = left;
        *length = left - sizeof head;
    }
    unsigned char *at = (unsigned char *)message->control + *used;
    memcpy(at, &head, sizeof head);
    size_t space = ALIGNED(head.length);
    *used += space < left ? space : left;
    return at + sizeof head;
}

static void one_give(plx__msghdr *message, size_t *used, int level, int type, const void *data,
                     size_t length, plx__extras *extras)
{
    unsigned char *at = room_take(message, used, level, type, &length, extras);
    if (at != NULL)
        memcpy(at, data, length);
}

/* Winsock's message in Linux's form. */
static void translated_give(plx__msghdr *message, size_t *used, const WSACMSGHDR *head,
                            plx__extras *extras)
{
    const unsigned char *data = WSA_CMSG_DATA(head);
    if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
        IN_PKTINFO os;
        packet_info4 info;
        memcpy(&os, data, sizeof os);
        info.interface_index = os.ipi_ifindex;
        memcpy(info.source, &os.ipi_addr, sizeof info.source);
        memcpy(info.destination, &os.ipi_addr, sizeof info.destination);
        one_give(message, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof info, extras);
    } else if (head->cmsg_level == IPPROTO_IP &&
               (head->cmsg_type == IP_TTL || head->cmsg_type == IPV6_HOPLIMIT)) {
        one_give(message, used, IPPROTO_IP, IP_TTL, data, sizeof(int), extras);
    } else if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_TOS) {
        one_give(message, used, IPPROTO_IP, IP_TOS, data, 1, extras); /* A byte on Linux. */
    } else {
        size_t length = head->cmsg_len - (size_t)(data - (const unsigned char *)head);
        one_give(message, used, head->cmsg_level, head->cmsg_type, data, length, extras);
    }
}

/* As many descriptors as there is room and numbers for. */
static void rights_give(plx__msghdr *message, size_t *used, plx__extras *extras, bool is_cloexec)
{
    plx__rights *rights = extras->rights;
    int fds[PLX__RIGHTS_MAX];
    size_t left = message->control_length - *used;
    size_t room = message->control != NULL && left > sizeof(plx__cmsghdr)
                      ? (left - sizeof(plx__cmsghdr)) / sizeof(int)
                      : 0;
    size_t given = 0;
    while (given < rights->count && given < room) {
        plx__file_take(rights->files[given]);
        int fd = plx__fd_add(rights->files[given], 0, is_cloexec);
        if (fd < 0)
            break;
        fds[given++] = fd;
    }
    if (given > 0)
        one_give(message, used, SOL_SOCKET, PLX__SCM_RIGHTS, fds, given * sizeof(int), extras);
    if (given < rights->count)
        extras->flags |= PLX__MSG_CTRUNC;
}

void plx__control_give(plx__msghdr *message, plx__extras *extras, bool is_cloexec)
{
    size_t used = 0;
    size_t at = 0;
    while (extras->control_length - at >= sizeof(WSACMSGHDR)) {
        const WSACMSGHDR *head =
            (const WSACMSGHDR *)(const void *)((const char *)extras->control + at);
        size_t left = extras->control_length - at;
        if (head->cmsg_len < sizeof *head || head->cmsg_len > left)
            break;
        translated_give(message, &used, head, extras);
        at += ALIGNED(head->cmsg_len) < left ? ALIGNED(head->cmsg_len) : left;
    }
    if (extras->rights != NULL)
        rights_give(message, &used, extras, is_cloexec);
    plx__rights_drop(extras->rights);
    extras->rights = NULL;
    message->control_length = used;
}

/* --- the system ----------------------------------------------------------------------------- */

static LPFN_WSARECVMSG receive_find(SOCKET handle)
{
    static void *volatile found; /* The same for every socket of the system's. */
    GUID name = WSAID_WSARECVMSG;
    LPFN_WSARECVMSG function = NULL;
    void *known = InterlockedCompareExchangePointer(&found, NULL, NULL);
    DWORD size;
    if (known == NULL && WSAIoctl(handle, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name,
                                  &known, sizeof known, &size, NULL, NULL) == 0)
        (void)InterlockedExchangePointer(&found, known);
    memcpy(&function, &known, sizeof function); /* No cast leads from one to the other. */
    return function;
}

int plx__control_receive(SOCKET handle, void *bytes, int size, int flags,
                         struct sockaddr_storage *from, int *from_length, plx__extras *extras)
{
    LPFN_WSARECVMSG receive = receive_find(handle);
    WSABUF buffer = {.len = (ULONG)size, .buf = bytes};
    WSAMSG message;
    DWORD got = 0;
    if (receive == NULL)
        return recvfrom(handle, bytes, size, flags, (struct sockaddr *)from, from_length);
    memset(&message, 0, sizeof message);
    message.name = (struct sockaddr *)from;
    message.namelen = *from_length;
    message.lpBuffers = &buffer;
    message.dwBufferCount = 1;
    message.Control.buf = (char *)extras->control;
    message.Control.len = sizeof extras->control;
    message.dwFlags = (DWORD)flags;
    int status = receive(handle, &message, &got, NULL, NULL);
    *from_length = message.namelen;
    if (status != 0 && WSAGetLastError() != WSAEMSGSIZE)
        return SOCKET_ERROR;
    extras->control_length = message.Control.len;
    return status == 0 ? (int)got : SOCKET_ERROR;
}

/* Sets an option for one send: what it was, or -1 when it stays. */
static int option_exchange(SOCKET handle, int level, int name, int value)
{
    int before = 0;
    int length = sizeof before;
    if (value < 0 || getsockopt(handle, level, name, (char *)&before, &length) != 0 ||
        setsockopt(handle, level, name, (char *)&value, sizeof value) != 0)
        return -1;
    return before;
}

static int sourced_send(SOCKET handle, const void *bytes, int length, int flags,
                        const struct sockaddr *address, int address_length,
                        const plx__control *control)
{
    bool is_six = control->family == AF_INET6;
    uint64_t room[(sizeof(WSACMSGHDR) + sizeof(IN6_PKTINFO)) / sizeof(uint64_t) + 2];
    struct sockaddr_storage to;
    WSABUF buffer = {.len = (ULONG)length, .buf = (char *)(uintptr_t)bytes};
    WSAMSG message;
    WSACMSGHDR *head = (WSACMSGHDR *)room;
    DWORD sent = 0;
    memset(&message, 0, sizeof message);
    memset(room, 0, sizeof room);
    if (address != NULL) {
        memcpy(&to, address, (size_t)address_length);
        message.name = (struct sockaddr *)&to;
        message.namelen = address_length;
    }
    message.lpBuffers = &buffer;
    message.dwBufferCount = 1;
    message.Control.buf = (char *)room;
    head->cmsg_level = is_six ? IPPROTO_IPV6 : IPPROTO_IP;
    head->cmsg_type = is_six ? IPV6_PKTINFO : IP_PKTINFO;
    if (is_six) {
        IN6_PKTINFO info;
        memcpy(&info.ipi6_addr, control->source, sizeof info.ipi6_addr);
        info.ipi6_ifindex = control->interface_index;
        memcpy(WSA_CMSG_DATA(head), &info, sizeof info);
        head->cmsg_len = WSA_CMSG_LEN(sizeof info);
        message.Control.len = (ULONG)ALIGNED(head->cmsg_len);
    } else {
        IN_PKTINFO info;
        memcpy(&info.ipi_addr, control->source, sizeof info.ipi_addr);
        info.ipi_ifindex = control->interface_index;
        memcpy(WSA_CMSG_DATA(head), &info, sizeof info);
        head->cmsg_len = WSA_CMSG_LEN(sizeof info);
        message.Control.len = (ULONG)ALIGNED(head->cmsg_len);
    }
    return WSASendMsg(handle, &message, (DWORD)flags, &sent, NULL, NULL) == 0 ? (int)sent
                                                                              : SOCKET_ERROR;
}

int plx__control_send(SOCKET handle, const void *bytes, int length, int flags,
                      const struct sockaddr *address, int address_length,
                      const plx__control *control)
{
    bool is_six = control->family == AF_INET6;
    int level = is_six ? IPPROTO_IPV6 : IPPROTO_IP;
    int hops_name = is_six ? IPV6_UNICAST_HOPS : IP_TTL;
    int class_name = is_six ? IPV6_TCLASS : IP_TOS;
    bool sets = control->hops >= 0 || control->traffic_class >= 0;
    if (sets)
        AcquireSRWLockExclusive(&option_lock);
    int hops = option_exchange(handle, level, hops_name, control->hops);
    int traffic_class = option_exchange(handle, level, class_name, control->traffic_class);
    int sent = control->has_source
                   ? sourced_send(handle, bytes, length, flags, address, address_length, control)
               : address != NULL ? sendto(handle, bytes, length, flags, address, address_length)
                                 : send(handle, bytes, length, flags);
    int code = WSAGetLastError();
    (void)option_exchange(handle, level, hops_name, hops);
    (void)option_exchange(handle, level, class_name, traffic_class);
    if (sets)
        ReleaseSRWLockExclusive(&option_lock);
    WSASetLastError(code);
    return sent;
}
