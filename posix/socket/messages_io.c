/* posix/socket/messages_io.c - sendmsg() and recvmsg(): parts, addresses, and (control.c) what
 * goes beside them.
 */
#include "posix/socket/local.h"

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

/* One copy, for the system is given one buffer; NULL without memory. */
static char *parts_gather(const plx__msghdr *message, size_t whole)
{
    char *bytes = plx__allocate(whole + 1);
    size_t filled = 0;
    for (size_t i = 0; bytes != NULL && i < message->parts_count; i++) {
        if (message->parts[i].length > 0)
            memcpy(bytes + filled, message->parts[i].bytes, message->parts[i].length);
        filled += message->parts[i].length;
    }
    return bytes;
}

static bool is_connected(plx__file *file)
{
    return plx__atomic_load_acquire(&plx__socket_of(file)->state) == PLX__SOCKET_CONNECTED;
}

static ptrdiff_t message_send(plx__file *file, const plx__msghdr *message, size_t whole, int flags)
{
    plx__control control;
    bool has_control = message->control_length > 0;
    ptrdiff_t sent = -ENOMEM;
    if (has_control) {
        int status = plx__control_read(message, file, &control);
        if (status != 0)
            return status;
        /* What a connection to another process carries is bytes only. */
        if (control.rights != NULL && plx__file_is_socket(file) && is_connected(file) &&
            !plx__local_is_here(file)) {
            plx__rights_drop(control.rights);
            return -EOPNOTSUPP;
        }
    }
    char *bytes = parts_gather(message, whole);
    if (bytes != NULL)
        sent = plx__file_send(file, bytes, whole, flags, message->name, message->name_length,
                              has_control ? &control : NULL);
    plx__free(bytes);
    if (has_control)
        plx__rights_drop(control.rights);
    return sent;
}

PLX__CALL ptrdiff_t plx_posix_sendmsg(int fd, const plx__msghdr *message, int flags)
{
    plx__file *file = NULL;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer(status);
    ptrdiff_t sent = message_length(message);
    if (sent >= 0)
        sent = message_send(file, message, (size_t)sent, flags);
    plx__file_put(file);
    return plx__answer(sent);
}

static void parts_spread(plx__msghdr *message, const char *bytes, size_t count)
{
    size_t given = 0;
    for (size_t i = 0; i < message->parts_count && given < count; i++) {
        size_t part =
            message->parts[i].length < count - given ? message->parts[i].length : count - given;
        if (part > 0)
            memcpy(message->parts[i].bytes, bytes + given, part);
        given += part;
    }
}

static ptrdiff_t message_receive(plx__file *file, plx__msghdr *message, size_t whole, int flags)
{
    plx__extras extras;
    ptrdiff_t got;
    extras.flags = flags & PLX__MSG_CMSG_CLOEXEC; /* Linux tells that one back. */
    extras.takes_control = true;
    extras.rights = NULL;
    extras.control_length = 0;
    char *bytes = plx__allocate(whole + 1);
    if (bytes == NULL)
        return -ENOMEM;
    if (plx__file_is_socket(file))
        got =
            plx__socket_receive_from(file, bytes, whole, flags, message->name,
                                     message->name != NULL ? &message->name_length : NULL, &extras);
    else
        got = plx__channel_receive(file, bytes, whole, flags, &extras);
    (void)plx__atomic_add(&file->reads, 1);
    if (got >= 0) {
        parts_spread(message, bytes, (size_t)got);
        plx__control_give(message, &extras, (flags & PLX__MSG_CMSG_CLOEXEC) != 0);
        message->flags = extras.flags;
    }
    plx__free(bytes);
    return got;
}

PLX__CALL ptrdiff_t plx_posix_recvmsg(int fd, plx__msghdr *message, int flags)
{
    plx__file *file = NULL;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer(status);
    ptrdiff_t got = message_length(message);
    bool is_held = plx__file_hold(file);
    if (got >= 0)
        got = message_receive(file, message, (size_t)got, flags);
    plx__file_release(file, is_held);
    plx__file_put(file);
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
