/* posix/io/io.c - what works on every descriptor: read, write, close, dup, fcntl, ioctl. */
#include "posix/io/io.h"
#include "posix/signal/signal.h"
#include "posix/wait/wait.h"

#include <stdarg.h>
#include <string.h>

#define PARTS_MAX 1024
#define AT_HAND   2048

/* --- reading and writing -------------------------------------------------------------------- */

static ptrdiff_t file_read(plx__file *file, void *bytes, size_t size)
{
    if ((plx__atomic_load(&file->flags) & PLX__O_ACCMODE) == PLX__O_WRONLY)
        return -EBADF;
    if (file->kind->read == NULL)
        return -EINVAL;
    if (file->kind->waits)
        return file->kind->read(file, bytes, size);
    if (bytes == NULL && size > 0)
        return -EFAULT;
    for (;;) {
        ptrdiff_t got = file->kind->read(file, bytes, size);
        if (got != -EAGAIN || plx__file_is_nonblocking(file))
            return got;
        int status = plx__wait_for(file, PLX__POLLIN, PLX_FOREVER);
        if (status != 0)
            return status;
    }
}

ptrdiff_t plx__file_write(plx__file *file, const void *bytes, size_t size)
{
    size_t written = 0;
    if ((plx__atomic_load(&file->flags) & PLX__O_ACCMODE) == PLX__O_RDONLY)
        return -EBADF;
    if (file->kind->write == NULL)
        return -EINVAL;
    if (file->kind->waits)
        return file->kind->write(file, bytes, size);
    if (bytes == NULL && size > 0)
        return -EFAULT;
    do {
        ptrdiff_t taken = file->kind->write(file, (const char *)bytes + written, size - written);
        if (taken >= 0) {
            written += (size_t)taken;
            if (taken == 0)
                break;
            continue;
        }
        if (taken == -EAGAIN && !plx__file_is_nonblocking(file))
            taken = plx__wait_for(file, PLX__POLLOUT, PLX_FOREVER);
        if (taken != 0)
            return written > 0 ? (ptrdiff_t)written : taken;
    } while (written < size);
    return (ptrdiff_t)written;
}

PLX__CALL ptrdiff_t plx_posix_read(int fd, void *bytes, size_t size)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer(-EBADF);
    bool is_held = plx__file_hold(file);
    ptrdiff_t got = file_read(file, bytes, size);
    plx__file_release(file, is_held);
    (void)plx__atomic_add(&file->reads, 1);
    plx__file_put(file);
    return plx__answer(got);
}

PLX__CALL ptrdiff_t plx_posix_write(int fd, const void *bytes, size_t size)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer(-EBADF);
    ptrdiff_t taken = plx__file_write(file, bytes, size);
    (void)plx__atomic_add(&file->writes, 1);
    bool signals = taken == -EPIPE && !file->is_quiet;
    plx__file_put(file);
    if (signals)
        plx__signal_broken_pipe();
    return plx__answer(taken);
}

static ptrdiff_t parts_length(const plx__iovec *parts, int count)
{
    size_t whole = 0;
    if (count < 0 || count > PARTS_MAX)
        return -EINVAL;
    if (parts == NULL && count > 0)
        return -EFAULT;
    for (int i = 0; i < count; i++) {
        if (parts[i].length > (size_t)PTRDIFF_MAX - whole)
            return -EINVAL;
        whole += parts[i].length;
    }
    return (ptrdiff_t)whole;
}

/* Gathered into one buffer, for the parts of a datagram or of a write of up to PIPE_BUF belong
 * together; what is larger goes part by part. */
PLX__CALL ptrdiff_t plx_posix_writev(int fd, const plx__iovec *parts, int count)
{
    char at_hand[AT_HAND] = "";
    ptrdiff_t whole = parts_length(parts, count);
    if (whole < 0)
        return plx__answer(whole);
    char *bytes = (size_t)whole <= sizeof at_hand ? at_hand : plx__allocate((size_t)whole);
    if (bytes == NULL)
        return plx__answer(-ENOMEM);
    size_t filled = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].length > 0)
            memcpy(bytes + filled, parts[i].bytes, parts[i].length);
        filled += parts[i].length;
    }
    ptrdiff_t taken = plx_posix_write(fd, bytes, (size_t)whole);
    if (bytes != at_hand)
        plx__free(bytes);
    return taken;
}

PLX__CALL ptrdiff_t plx_posix_readv(int fd, const plx__iovec *parts, int count)
{
    char at_hand[AT_HAND] = "";
    ptrdiff_t whole = parts_length(parts, count);
    if (whole < 0)
        return plx__answer(whole);
    char *bytes = (size_t)whole <= sizeof at_hand ? at_hand : plx__allocate((size_t)whole);
    if (bytes == NULL)
        return plx__answer(-ENOMEM);
    ptrdiff_t got = plx_posix_read(fd, bytes, (size_t)whole);
    size_t given = 0;
    for (int i = 0; i < count && got > 0 && given < (size_t)got; i++) {
        size_t part = parts[i].length < (size_t)got - given ? parts[i].length : (size_t)got - given;
        if (part > 0)
            memcpy(parts[i].bytes, bytes + given, part);
        given += part;
    }
    if (bytes != at_hand)
        plx__free(bytes);
    return got;
}

/* --- descriptors ---------------------------------------------------------------------------- */

PLX__CALL int plx_posix_close(int fd)
{
    int status = plx__fd_close(fd);
    if (status == 0 && fd <= 2)
        plx__fd_hook.follow(fd, NULL); /* The C library's stream of that number goes with it. */
    else if (status == 0)
        plx__fd_hook.leave(fd);
    return plx__answer_int(status);
}

static int duplicate(int fd, int lowest, bool is_cloexec)
{
    plx__file *file = plx__fd_get(fd);
    return file != NULL ? plx__fd_add(file, lowest, is_cloexec) : -EBADF;
}

PLX__CALL int plx_posix_dup(int fd)
{
    return plx__answer_int(duplicate(fd, 0, false));
}

static int duplicate_to(int from, int to, bool is_cloexec)
{
    plx__file *file = plx__fd_get(from);
    if (file == NULL)
        return -EBADF;
    if (from == to) {
        plx__file_put(file);
        return to;
    }
    plx__file_take(file);
    int result = plx__fd_put(to, file, is_cloexec);
    if (result >= 0 && to <= 2)
        plx__fd_hook.follow(to, file); /* So that printf() goes where descriptor 1 does. */
    plx__file_put(file);
    return result;
}

PLX__CALL int plx_posix_dup2(int from, int to)
{
    return plx__answer_int(duplicate_to(from, to, false));
}

PLX__CALL int plx_posix_dup3(int from, int to, int flags)
{
    if (from == to || (flags & ~PLX__O_CLOEXEC) != 0)
        return plx__answer_int(-EINVAL);
    return plx__answer_int(duplicate_to(from, to, (flags & PLX__O_CLOEXEC) != 0));
}

/* --- fcntl ---------------------------------------------------------------------------------- */

#define FLAGS_TO_SET (PLX__O_NONBLOCK | PLX__O_APPEND | PLX__O_ASYNC)

static int flags_set(plx__file *file, int flags)
{
    unsigned before = plx__atomic_load(&file->flags);
    plx__atomic_store_release(&file->flags, (before & ~(unsigned)FLAGS_TO_SET) |
                                                ((unsigned)flags & FLAGS_TO_SET));
    return 0;
}

static int file_control(plx__file *file, int fd, int command, intptr_t argument)
{
    switch (command) {
    case PLX__F_DUPFD:
    case PLX__F_DUPFD_CLOEXEC:
        return duplicate(fd, (int)argument, command == PLX__F_DUPFD_CLOEXEC);
    case PLX__F_GETFD:
        return plx__fd_cloexec(fd);
    case PLX__F_SETFD:
        return plx__fd_cloexec_set(fd, (argument & PLX__FD_CLOEXEC) != 0);
    case PLX__F_GETFL:
        return (int)plx__atomic_load(&file->flags);
    case PLX__F_SETFL:
        return flags_set(file, (int)argument);
    case PLX__F_GETLK:
    case PLX__F_SETLK:
    case PLX__F_SETLKW:
        if (argument == 0)
            return -EFAULT;
        return file->kind->lock != NULL ? file->kind->lock(file, command, (void *)argument)
                                        : -EBADF;
    case PLX__F_GETOWN:
    case PLX__F_SETOWN:
        return 0;
    default:
        return -EINVAL;
    }
}

PLX__CALL int plx_posix_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    intptr_t argument = 0;
    if (command == PLX__F_GETLK || command == PLX__F_SETLK || command == PLX__F_SETLKW)
        argument = (intptr_t)va_arg(arguments, void *);
    else if (command != PLX__F_GETFD && command != PLX__F_GETFL && command != PLX__F_GETOWN)
        argument = va_arg(arguments, int);
    va_end(arguments);
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    int result = file_control(file, fd, command, argument);
    plx__file_put(file);
    return plx__answer_int(result);
}

/* --- ioctl ---------------------------------------------------------------------------------- */

#define FIONBIO_REQUEST 0x8004667e

static int file_ioctl(plx__file *file, unsigned long request, void *argument)
{
    if (argument == NULL)
        return -EFAULT;
    if (request == FIONBIO_REQUEST) {
        unsigned flags = plx__atomic_load(&file->flags);
        int is_on;
        memcpy(&is_on, argument, sizeof is_on);
        return flags_set(
            file, (int)(is_on ? flags | PLX__O_NONBLOCK : flags & ~(unsigned)PLX__O_NONBLOCK));
    }
    return file->kind->control != NULL ? file->kind->control(file, request, argument) : -ENOTTY;
}

PLX__CALL int plx_posix_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    int result = file_ioctl(file, request, argument);
    plx__file_put(file);
    return plx__answer_int(result);
}
