/* posix/socket/pair_share.c - socket pairs that a child is given an end of: they become two
 * connected sockets of the system's, for good.
 *
 * That is done in the place of the open files themselves, which nobody may be using meanwhile: not
 * a thread that waits in one, nor a stream over one. If somebody is, the pair stays what it is.
 */
#include "posix/pipe/channel.h"
#include "posix/socket/socket.h"

#include <string.h>

#define BUFFER_BYTES (4 * PLX__RING_BYTES)

/* A connection over the loopback, and none that somebody else has made. */
static int connection_make(SOCKET ends[2])
{
    struct sockaddr_in address;
    struct sockaddr_in peer;
    int length = sizeof address;
    int peer_length = sizeof peer;
    int size = BUFFER_BYTES;
    u_long off = 0;
    u_long on = 1;
    BOOL no_delay = TRUE;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ends[0] = plx__socket_handle_make(AF_INET, SOCK_STREAM, 0);
    ends[1] = INVALID_SOCKET;
    SOCKET listener = plx__socket_handle_make(AF_INET, SOCK_STREAM, 0);
    bool is_made = ends[0] != INVALID_SOCKET && listener != INVALID_SOCKET &&
                   bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                   getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
                   listen(listener, 1) == 0 && ioctlsocket(ends[0], (long)FIONBIO, &off) == 0 &&
                   ioctlsocket(listener, (long)FIONBIO, &off) == 0 &&
                   connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0 &&
                   getsockname(ends[0], (struct sockaddr *)&address, &length) == 0;
    if (is_made)
        ends[1] = accept(listener, (struct sockaddr *)&peer, &peer_length);
    is_made = is_made && ends[1] != INVALID_SOCKET && peer.sin_port == address.sin_port;
    int status = is_made ? 0 : plx__errno_last();
    if (listener != INVALID_SOCKET)
        (void)closesocket(listener);
    for (int i = 0; i < 2 && ends[i] != INVALID_SOCKET; i++) {
        (void)ioctlsocket(ends[i], (long)FIONBIO, &on);
        (void)SetHandleInformation((HANDLE)ends[i], HANDLE_FLAG_INHERIT, 0);
        (void)setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, (char *)&no_delay, sizeof no_delay);
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, (char *)&size, sizeof size);
        if (!is_made)
            (void)closesocket(ends[i]);
    }
    return status == 0 || status != -EAGAIN ? status : -ECONNABORTED;
}

/* What the end `index` has not read yet. */
static bool bytes_move(plx__ring *from, SOCKET to)
{
    unsigned char piece[4096];
    while (from->count > 0) {
        size_t count = from->count < sizeof piece ? from->count : sizeof piece;
        plx__ring_copy_out(from, 0, piece, count);
        if (send(to, (const char *)piece, (int)count, 0) != (int)count)
            return false;
        plx__ring_drop(from, count);
    }
    return true;
}

typedef struct exchange {
    plx__channel *channel;
    plx__file *made[2]; /* NULL for an end that is closed. */
    SOCKET sockets[2];
    plx__rights *lost[2]; /* Of who has sent some since somebody looked. */
} exchange;

static void end_exchange(exchange *of, int index)
{
    plx__file *file = of->channel->files[index];
    plx__file *made = of->made[index];
    plx__socket *socket = plx__socket_of(made);
    plx__channel_end *end = plx__channel_end_of(file);
    const plx__ring *in = &of->channel->rings[index];
    const plx__ring *out = &of->channel->rings[1 - index];
    bool is_alone = of->made[1 - index] == NULL;
    plx__atomic_store(&socket->state, PLX__SOCKET_CONNECTED);
    plx__atomic_store(&socket->marks, PLX__MARK_BOUND |
                                          (in->reader_is_gone ? PLX__SHUT_RECEIVE : 0u) |
                                          (out->writer_is_gone ? PLX__SHUT_SEND : 0u));
    if (out->writer_is_gone && !is_alone)
        (void)shutdown(of->sockets[index], SD_SEND);
    file->kind = made->kind;
    file->handle = made->handle;
    file->data = made->data;
    plx__free(made);
    plx__free(end);
    plx__channel_put(of->channel);
}

/* With nobody else around, but for one who is just closing an end. */
static void exchange_do(void *data)
{
    exchange *of = data;
    plx__channel *whole = of->channel;
    (void)plx__atomic_add(&whole->ends, 1);
    AcquireSRWLockExclusive(&whole->lock);
    for (int i = 0; i < 2; i++) {
        (void)bytes_move(&whole->rings[i], of->sockets[1 - i]);
        of->lost[i] = plx__rights_take_all(&whole->rings[i].rights);
    }
    for (int i = 0; i < 2; i++) {
        if (of->made[i] == NULL)
            (void)closesocket(of->sockets[i]);
        else if (whole->files[i] == NULL)
            plx__file_put(of->made[i]);
        else
            end_exchange(of, i);
    }
    ReleaseSRWLockExclusive(&whole->lock);
    plx__channel_put(whole);
}

int plx__pair_share(plx__file *file, plx__file *const *held, int count)
{
    exchange of;
    memset(&of, 0, sizeof of);
    of.channel = plx__channel_end_of(file)->channel;
    if (of.channel->type != PLX__SOCK_STREAM)
        return -EOPNOTSUPP;
    if (of.channel->rings[0].rights.first != NULL || of.channel->rings[1].rights.first != NULL)
        return -EBUSY; /* Descriptors on their way stay in this process. */
    int status = connection_make(of.sockets);
    if (status != 0)
        return status;
    for (int i = 0; i < 2; i++) {
        plx__file *end = of.channel->files[i];
        if (end == NULL)
            continue;
        of.made[i] = plx__socket_wrap(of.sockets[i], AF_UNIX, PLX__SOCK_STREAM, 0, 0);
        if (of.made[i] == NULL)
            status = -ENOMEM; /* The socket is gone, too. */
    }
    if (status == 0 && plx__fd_idle_do(of.channel->files, held, count, exchange_do, &of)) {
        plx__rights_drop(of.lost[0]);
        plx__rights_drop(of.lost[1]);
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        if (of.made[i] != NULL)
            plx__file_put(of.made[i]);
        else if (of.channel->files[i] == NULL)
            (void)closesocket(of.sockets[i]);
    }
    return status != 0 ? status : -EBUSY;
}
