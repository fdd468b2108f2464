/* platform/posix/messages_io.c - sendmsg() and recvmsg(): parts, addresses, and which interface a
 * datagram came by.
 */
#include "platform/posix/layer.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 1024

static ptrdiff_t message_length(const plx__msghdr *message)
{
    size_t whole = 0;
    if (message == NULL || (message->parts == NULL && message->parts_count > 0))
        return -EFAULT;
    if (message->parts_count > PARTS_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < message->parts_count; i++)
        whole += message->parts[i].length;
    return whole <= INT32_MAX ? (ptrdiff_t)whole : -EINVAL;
}

PLX__CALL ptrdiff_t plx_posix_sendto(int fd, const void *bytes, size_t length, int flags,
                                     const void *address, plx__socklen address_length);
PLX__CALL ptrdiff_t plx_posix_recvfrom(int fd, void *bytes, size_t size, int flags, void *address,
                                       plx__socklen *address_length);

PLX__CALL ptrdiff_t plx_posix_sendmsg(int fd, const plx__msghdr *message, int flags)
{
    ptrdiff_t whole = message_length(message);
    if (whole < 0)
        return plx__answer(whole);
    if (message->control_length > 0 && message->control != NULL)
        return plx__answer(-EOPNOTSUPP);
    char *bytes = plx__allocate((size_t)whole + 1);
    if (bytes == NULL)
        return plx__answer(-ENOMEM);
    size_t filled = 0;
    for (size_t i = 0; i < message->parts_count; i++) {
        if (message->parts[i].length > 0)
            memcpy(bytes + filled, message->parts[i].bytes, message->parts[i].length);
        filled += message->parts[i].length;
    }
    ptrdiff_t sent =
        plx_posix_sendto(fd, bytes, (size_t)whole, flags, message->name, message->name_length);
    plx__free(bytes);
    return sent;
}

PLX__CALL ptrdiff_t plx_posix_recvmsg(int fd, plx__msghdr *message, int flags)
{
    plx__file *file = NULL;
    int flags_out = 0;
    ptrdiff_t whole = message_length(message);
    if (whole < 0)
        return plx__answer(whole);
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer(status);
    char *bytes = plx__allocate((size_t)whole + 1);
    ptrdiff_t got = -ENOMEM;
    if (bytes != NULL && plx__file_is_socket(file))
        got = plx__socket_receive_from(file, bytes, (size_t)whole, flags, message->name,
                                       message->name != NULL ? &message->name_length : NULL,
                                       &flags_out);
    else if (bytes != NULL)
        got = plx__channel_receive(file, bytes, (size_t)whole, flags, &flags_out);
    (void)plx__atomic_add(&file->reads, 1);
    plx__file_put(file);
    size_t given = 0;
    for (size_t i = 0; i < message->parts_count && got > 0 && given < (size_t)got; i++) {
        size_t part = message->parts[i].length < (size_t)got - given ? message->parts[i].length
                                                                     : (size_t)got - given;
        if (part > 0)
            memcpy(message->parts[i].bytes, bytes + given, part);
        given += part;
    }
    plx__free(bytes);
    message->flags = flags_out;
    message->control_length = 0;
    return plx__answer(got);
}

/* As struct mmsghdr. */
typedef struct message_entry {
    plx__msghdr header;
    unsigned length;
} message_entry;

PLX__CALL int plx_posix_sendmmsg(int fd, message_entry *messages, unsigned count, int flags)
{
    unsigned done = 0;
    for (; done < count; done++) {
        ptrdiff_t sent = plx_posix_sendmsg(fd, &messages[done].header, flags);
        if (sent < 0)
            return done > 0 ? (int)done : -1;
        messages[done].length = (unsigned)sent;
    }
    return (int)done;
}

PLX__CALL int plx_posix_recvmmsg(int fd, message_entry *messages, unsigned count, int flags,
                                 const struct timespec *timeout)
{
    unsigned done = 0;
    (void)timeout; /* Linux looks at it between messages only; here they are taken as they are. */
    for (; done < count; done++) {
        int now =
            done > 0 && (flags & PLX__MSG_WAITFORONE) != 0 ? flags | PLX__MSG_DONTWAIT : flags;
        ptrdiff_t got = plx_posix_recvmsg(fd, &messages[done].header, now);
        if (got < 0)
            return done > 0 ? (int)done : -1;
        messages[done].length = (unsigned)got;
    }
    return (int)done;
}
