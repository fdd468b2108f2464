/* posix/pipe/channel.c - pipes and socket pairs: rings of bytes within the process.
 *
 * There is no fork() here, so both ends live in one process until a child is given one, and memory
 * serves better than anything of the system's: Windows' pipes cannot be waited for together with
 * sockets, say nothing of room (and Wine's always says there is none), and write all or nothing.
 * What happens to a pipe when a child is given an end of it: pipe_share.c.
 */
#include "posix/pipe/channel.h"
#include "posix/wait/wait.h"

#include <string.h>

#define RING_BYTES  PLX__RING_BYTES
#define WHOLE_BYTES 4096 /* PIPE_BUF: a write of no more is never cut. */

typedef plx__ring ring;
typedef plx__channel channel;
typedef plx__channel_end channel_end;

static channel_end *end_of(const plx__file *file)
{
    return file->data;
}

static ring *ring_in(const channel_end *end)
{
    return &end->channel->rings[end->index];
}

static ring *ring_out(const channel_end *end)
{
    return &end->channel->rings[1 - end->index];
}

/* A pipe's second end reads nothing and its first writes nothing. */
static ring *ring_of_writes(const channel_end *end)
{
    return end->channel->is_pair ? ring_out(end)
                                 : &end->channel->rings[end->channel->share != NULL];
}

void plx__ring_copy_in(plx__ring *to, const void *bytes, size_t count)
{
    size_t tail = (to->head + to->count) % RING_BYTES;
    size_t first = count < RING_BYTES - tail ? count : RING_BYTES - tail;
    memcpy(to->bytes + tail, bytes, first);
    memcpy(to->bytes, (const unsigned char *)bytes + first, count - first);
    to->count += count;
}

void plx__ring_copy_out(const plx__ring *from, size_t skip, void *bytes, size_t count)
{
    size_t head = (from->head + skip) % RING_BYTES;
    size_t first = count < RING_BYTES - head ? count : RING_BYTES - head;
    memcpy(bytes, from->bytes + head, first);
    memcpy((unsigned char *)bytes + first, from->bytes, count - first);
}

void plx__ring_drop(plx__ring *from, size_t count)
{
    from->head = (from->head + count) % RING_BYTES;
    from->count -= count;
    from->taken += count;
}

static void other_notify(const channel_end *end)
{
    plx__file *other = end->channel->files[1 - end->index];
    if (other != NULL)
        plx__file_notify(other);
}

/* --- reading -------------------------------------------------------------------------------- */

static ptrdiff_t message_read(ring *from, void *bytes, size_t size, bool is_peek, bool *is_cut_out)
{
    uint32_t length;
    plx__ring_copy_out(from, 0, &length, sizeof length);
    size_t given = length < size ? length : size;
    plx__ring_copy_out(from, sizeof length, bytes, given);
    *is_cut_out = given < length;
    if (!is_peek)
        plx__ring_drop(from, sizeof length + length);
    return (ptrdiff_t)given;
}

static ptrdiff_t end_read(plx__file *file, void *bytes, size_t size, bool is_peek,
                          plx__extras *extras)
{
    channel_end *end = end_of(file);
    channel *whole = end->channel;
    ptrdiff_t got = -EAGAIN;
    plx__rights *rights = NULL;
    bool is_cut = false;
    AcquireSRWLockExclusive(&whole->lock);
    ring *from = ring_in(end);
    if (whole->share != NULL)
        plx__pipe_share_read(whole);
    if (from->count > 0 && whole->type == PLX__SOCK_DGRAM) {
        rights = plx__rights_take(&from->rights, from->taken + 1, is_peek);
        got = message_read(from, bytes, size, is_peek, &is_cut);
    } else if (from->count > 0) {
        size = size < from->count ? size : from->count;
        got = (ptrdiff_t)plx__rights_limit(&from->rights, from->taken, size);
        rights = plx__rights_take(&from->rights, from->taken + (uint64_t)got, is_peek);
        plx__ring_copy_out(from, 0, bytes, (size_t)got);
        if (!is_peek)
            plx__ring_drop(from, (size_t)got);
    } else if (whole->errors[end->index] != 0) {
        got = -whole->errors[end->index];
        whole->errors[end->index] = 0;
    } else if ((from->writer_is_gone || from->reader_is_gone) && whole->type != PLX__SOCK_DGRAM) {
        got = 0;
    }
    if (got > 0 && whole->share != NULL)
        plx__pipe_share_room(whole);
    else if (got > 0)
        other_notify(end);
    ReleaseSRWLockExclusive(&whole->lock);
    if (is_cut && extras != NULL)
        extras->flags |= PLX__MSG_TRUNC;
    plx__rights_hand(rights, extras);
    return got;
}

static ptrdiff_t channel_read(plx__file *file, void *bytes, size_t size)
{
    if (size == 0 && end_of(file)->channel->type != PLX__SOCK_DGRAM)
        return 0;
    return end_read(file, bytes, size, false, NULL);
}

ptrdiff_t plx__channel_receive(plx__file *file, void *bytes, size_t size, int flags,
                               plx__extras *extras)
{
    bool is_nonblocking = (flags & PLX__MSG_DONTWAIT) != 0 || plx__file_is_nonblocking(file);
    bool takes_all = (flags & PLX__MSG_WAITALL) != 0 && (flags & PLX__MSG_PEEK) == 0 &&
                     !is_nonblocking && end_of(file)->channel->type == PLX__SOCK_STREAM;
    size_t whole = 0;
    if ((flags & PLX__MSG_OOB) != 0)
        return -EOPNOTSUPP;
    if (size == 0)
        return 0;
    for (;;) {
        ptrdiff_t got = end_read(file, (char *)bytes + whole, size - whole,
                                 (flags & PLX__MSG_PEEK) != 0, extras);
        bool has_rights = extras != NULL && extras->rights != NULL;
        if (got > 0 && takes_all && !has_rights && whole + (size_t)got < size) {
            whole += (size_t)got;
            continue;
        }
        if (got >= 0 || got != -EAGAIN || is_nonblocking)
            return whole > 0 && got <= 0 ? (ptrdiff_t)whole : got + (ptrdiff_t)whole;
        int status = plx__wait_for(file, PLX__POLLIN, PLX_FOREVER);
        if (status != 0)
            return whole > 0 ? (ptrdiff_t)whole : status;
    }
}

/* --- writing -------------------------------------------------------------------------------- */

static ptrdiff_t ring_write(ring *to, int type, const void *bytes, size_t size, bool is_pair)
{
    size_t room = RING_BYTES - to->count;
    if (to->bytes == NULL)
        to->bytes = plx__allocate(RING_BYTES);
    if (to->bytes == NULL)
        return -ENOMEM;
    if (type == PLX__SOCK_DGRAM) {
        uint32_t length = (uint32_t)size;
        if (size > RING_BYTES - sizeof length)
            return -EMSGSIZE;
        if (room < sizeof length + size)
            return -EAGAIN;
        plx__ring_copy_in(to, &length, sizeof length);
        plx__ring_copy_in(to, bytes, size);
        return (ptrdiff_t)size;
    }
    if (room == 0 || (!is_pair && size <= WHOLE_BYTES && room < size))
        return -EAGAIN;
    size_t taken = size < room ? size : room;
    plx__ring_copy_in(to, bytes, taken);
    return (ptrdiff_t)taken;
}

static ptrdiff_t end_write(plx__file *file, const void *bytes, size_t size, plx__rights **rights)
{
    channel_end *end = end_of(file);
    channel *whole = end->channel;
    ptrdiff_t taken;
    AcquireSRWLockExclusive(&whole->lock);
    ring *to = ring_of_writes(end);
    if (to->reader_is_gone || to->writer_is_gone)
        taken = whole->type == PLX__SOCK_DGRAM && !to->writer_is_gone ? -ECONNREFUSED : -EPIPE;
    else
        taken = ring_write(to, whole->type, bytes, size, whole->is_pair);
    uint64_t after = to->taken + to->count;
    bool is_message = taken == 0 && whole->type == PLX__SOCK_DGRAM;
    if (rights != NULL && *rights != NULL && (taken > 0 || is_message)) {
        uint64_t head = whole->type == PLX__SOCK_DGRAM ? sizeof(uint32_t) : 0;
        plx__rights_put(&to->rights, *rights, after - (uint64_t)taken - head, after);
        *rights = NULL;
    }
    if (taken > 0 && whole->share != NULL)
        plx__pipe_share_write(whole);
    else if (taken > 0 || is_message)
        other_notify(end);
    ReleaseSRWLockExclusive(&whole->lock);
    return taken;
}

static ptrdiff_t channel_write(plx__file *file, const void *bytes, size_t size)
{
    return end_write(file, bytes, size, NULL);
}

ptrdiff_t plx__channel_send(plx__file *file, const void *bytes, size_t length, int flags,
                            plx__rights **rights)
{
    bool is_nonblocking = (flags & PLX__MSG_DONTWAIT) != 0 || plx__file_is_nonblocking(file);
    size_t sent = 0;
    if ((flags & PLX__MSG_OOB) != 0)
        return -EOPNOTSUPP;
    do {
        ptrdiff_t taken = end_write(file, (const char *)bytes + sent, length - sent, rights);
        if (taken >= 0) {
            sent += (size_t)taken;
            continue;
        }
        if (taken == -EAGAIN && !is_nonblocking)
            taken = plx__wait_for(file, PLX__POLLOUT, PLX_FOREVER);
        if (taken != 0)
            return sent > 0 ? (ptrdiff_t)sent : taken;
    } while (sent < length);
    return (ptrdiff_t)sent;
}

/* --- state ---------------------------------------------------------------------------------- */

static unsigned pipe_ready(plx__file *file)
{
    channel_end *end = end_of(file);
    unsigned ready = 0;
    AcquireSRWLockExclusive(&end->channel->lock);
    const ring *only = end->index == 0 ? ring_in(end) : ring_of_writes(end);
    if (end->index == 0) {
        if (end->channel->share != NULL)
            plx__pipe_share_read(end->channel);
        ready |= only->count > 0 ? PLX__POLLIN : 0u;
        ready |= only->writer_is_gone ? PLX__POLLHUP : 0u;
    } else {
        ready |= RING_BYTES - only->count >= WHOLE_BYTES ? PLX__POLLOUT : 0u;
        ready |= only->reader_is_gone ? PLX__POLLERR : 0u;
    }
    ReleaseSRWLockExclusive(&end->channel->lock);
    return ready;
}

static unsigned pair_ready(plx__file *file)
{
    channel_end *end = end_of(file);
    unsigned ready = 0;
    AcquireSRWLockShared(&end->channel->lock);
    const ring *in = ring_in(end);
    const ring *out = ring_out(end);
    if (in->count > 0)
        ready |= PLX__POLLIN;
    if (end->channel->errors[end->index] != 0)
        ready |= PLX__POLLERR | PLX__POLLIN;
    if (end->channel->type != PLX__SOCK_DGRAM && (in->writer_is_gone || in->reader_is_gone))
        ready |= PLX__POLLIN | PLX__POLLRDHUP;
    if (end->channel->type != PLX__SOCK_DGRAM && (in->writer_is_gone || in->reader_is_gone) &&
        (out->writer_is_gone || out->reader_is_gone))
        ready |= PLX__POLLHUP;
    if (RING_BYTES - out->count >= WHOLE_BYTES || out->reader_is_gone)
        ready |= PLX__POLLOUT;
    ReleaseSRWLockShared(&end->channel->lock);
    return ready;
}

void plx__channel_put(plx__channel *whole)
{
    if (plx__atomic_add(&whole->ends, UINT32_MAX) != 1)
        return;
    plx__pipe_share_free(whole->share);
    plx__free(whole->rings[0].bytes);
    plx__free(whole->rings[1].bytes);
    plx__free(whole);
}

static void channel_close(plx__file *file)
{
    channel_end *end = end_of(file);
    channel *whole = end->channel;
    AcquireSRWLockExclusive(&whole->lock);
    whole->files[end->index] = NULL;
    if (whole->is_pair) {
        if (ring_in(end)->count > 0 && whole->type == PLX__SOCK_STREAM)
            whole->errors[1 - end->index] = ECONNRESET; /* What Linux says of unread data. */
        ring_in(end)->reader_is_gone = true;
        ring_out(end)->writer_is_gone = true;
    } else if (whole->share != NULL) {
        plx__pipe_share_end(whole, end->index);
    } else if (end->index == 0) {
        whole->rings[0].reader_is_gone = true;
    } else {
        whole->rings[0].writer_is_gone = true;
    }
    other_notify(end);
    plx__rights *unread = plx__rights_take_all(&ring_in(end)->rights);
    ReleaseSRWLockExclusive(&whole->lock);
    plx__rights_drop(unread); /* Nobody will ever read those. */
    if (whole->share != NULL && end->index == 0)
        plx__pipe_share_cancel(whole);
    plx__free(end);
    plx__channel_put(whole);
}

int plx__channel_shutdown(plx__file *file, int how)
{
    channel_end *end = end_of(file);
    if (how < 0 || how > 2)
        return -EINVAL;
    AcquireSRWLockExclusive(&end->channel->lock);
    if (how != 1)
        ring_in(end)->reader_is_gone = true;
    if (how != 0)
        ring_out(end)->writer_is_gone = true;
    other_notify(end);
    plx__file_notify(file);
    ReleaseSRWLockExclusive(&end->channel->lock);
    return 0;
}

int plx__channel_type(const plx__file *file)
{
    return end_of(file)->channel->type;
}

static int channel_control(plx__file *file, unsigned long request, void *argument)
{
    channel_end *end = end_of(file);
    if (request != PLX__FIONREAD)
        return -ENOTTY;
    AcquireSRWLockShared(&end->channel->lock);
    int count = (int)ring_in(end)->count;
    ReleaseSRWLockShared(&end->channel->lock);
    memcpy(argument, &count, sizeof count);
    return 0;
}

const plx__file_kind plx__pipe_kind = {
    .mode = PLX__S_IFIFO,
    .read = channel_read,
    .write = channel_write,
    .ready = pipe_ready,
    .close = channel_close,
    .control = channel_control,
};

const plx__file_kind plx__pair_kind = {
    .mode = PLX__S_IFSOCK,
    .read = channel_read,
    .write = channel_write,
    .ready = pair_ready,
    .close = channel_close,
    .control = channel_control,
};

int plx__channel_make(plx__file *ends_out[2], bool is_pair, int type, unsigned flags)
{
    channel *whole = plx__allocate_zeroed(1, sizeof *whole);
    if (whole == NULL)
        return -ENOMEM;
    InitializeSRWLock(&whole->lock);
    plx__atomic_store(&whole->ends, 2);
    whole->type = type;
    whole->is_pair = is_pair;
    for (int i = 0; i < 2; i++) {
        unsigned access = is_pair ? PLX__O_RDWR : i == 0 ? PLX__O_RDONLY : PLX__O_WRONLY;
        channel_end *end = plx__allocate(sizeof *end);
        plx__file *file = end != NULL ? plx__file_make(is_pair ? &plx__pair_kind : &plx__pipe_kind,
                                                       access | flags)
                                      : NULL;
        if (file == NULL) {
            plx__free(end);
            if (i == 1)
                plx__file_put(ends_out[0]);
            plx__free(whole);
            return -ENOMEM;
        }
        end->channel = whole;
        end->index = i;
        file->data = end;
        whole->files[i] = file;
        ends_out[i] = file;
    }
    return 0;
}
