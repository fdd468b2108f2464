/* platform/unix/handover.c - SCM_RIGHTS, and the descriptors of systemd. */
#include "platform/handover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "platform/os.h"

/* sd_listen_fds(3): SD_LISTEN_FDS_START. */
#define SUPERVISED_FIRST 3

uint64_t plx__process_id(void)
{
    return (uint64_t)getpid();
}

int plx__peer_check(plx_socket socket, uint64_t *process_out)
{
    plx__credentials peer;
    *process_out = 0;
    int status = plx__socket_credentials(socket, &peer);
    if (status != 0)
        return status;
    if (peer.process > 0)
        *process_out = (uint64_t)peer.process;
    return peer.user == (int64_t)geteuid() ? 0 : PLX_EACCES;
}

int plx__sockets_pack(const plx_socket *sockets, uint32_t count, uint64_t process,
                      unsigned char *bytes)
{
    (void)sockets;
    (void)count;
    (void)process;
    (void)bytes;
    return 0;
}

int plx__sockets_unpack(const unsigned char *bytes, plx_socket *sockets, uint32_t *count,
                        uint32_t wanted)
{
    (void)bytes;
    if (*count == wanted)
        return 0;
    while (*count > 0)
        plx__socket_dispose(sockets[--*count]);
    return PLX_EINVAL;
}

/* Room for the descriptors of one message, aligned as the system wants it. */
typedef union control {
    struct cmsghdr align;
    unsigned char bytes[CMSG_SPACE(PLX__PACKED_MAX * sizeof(int))];
} control;

/* The two lengths are of type size_t in glibc, and socklen_t in musl and on macOS. */
ptrdiff_t plx__sockets_send(plx_socket channel, const void *bytes, size_t length,
                            const plx_socket *sockets, uint32_t count)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    control room;
    if (count > 0) {
        memset(&room, 0, sizeof room);
        message.msg_control = room.bytes;
        message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), sockets, count * sizeof(int));
    }
    ssize_t sent = sendmsg(channel, &message, PLX__SEND_FLAGS);
    return sent >= 0 ? sent : plx__send_failed();
}

/* musl's macro compares a difference of addresses with a size. */
#ifdef __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
static struct cmsghdr *control_next(struct msghdr *message, struct cmsghdr *head)
{
    return CMSG_NXTHDR(message, head);
}
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

/* Takes the descriptors of one part of a control message. */
static void rights_take(const struct cmsghdr *head, plx_socket *sockets, uint32_t *count)
{
    size_t bytes = head->cmsg_len - CMSG_LEN(0);
    for (size_t i = 0; i < bytes / sizeof(int); i++) {
        int descriptor;
        memcpy(&descriptor, CMSG_DATA(head) + i * sizeof descriptor, sizeof descriptor);
        if (*count == PLX__PACKED_MAX) {
            (void)close(descriptor);
            continue;
        }
        (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        sockets[(*count)++] = descriptor;
    }
}

ptrdiff_t plx__sockets_receive(plx_socket channel, void *bytes, size_t size, plx_socket *sockets,
                               uint32_t *count)
{
    struct iovec piece = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    control room;
    int flags = 0;
#ifdef MSG_CMSG_CLOEXEC
    flags |= MSG_CMSG_CLOEXEC;
#endif
    message.msg_control = room.bytes;
    message.msg_controllen = sizeof room.bytes;
    ssize_t got = recvmsg(channel, &message, flags);
    if (got < 0)
        return plx__receive_failed();
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL;
         head = control_next(&message, head)) {
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
            rights_take(head, sockets, count);
    }
    return got;
}

int plx__socket_await(plx_socket socket, uint64_t timeout_ns)
{
    plx__poll_entry entry = {.fd = socket, .events = PLX__POLL_READ};
    const uint64_t start_ns = plx__clock_now();
    for (;;) {
        uint64_t passed_ns = plx__clock_now() - start_ns;
        uint64_t left_ns = timeout_ns > passed_ns ? timeout_ns - passed_ns : 0;
        int ready = plx__poll(&entry, 1, timeout_ns == PLX_FOREVER ? PLX_FOREVER : left_ns);
        if (ready != 0)
            return ready < 0 ? ready : 0;
        if (left_ns == 0)
            return PLX_ETIMEDOUT; /* Else a signal has ended the wait. */
    }
}

int plx__supervised_socket(uint32_t index, plx_socket *socket_out)
{
    *socket_out = SUPERVISED_FIRST + (int)index;
    return fcntl(*socket_out, F_SETFD, FD_CLOEXEC) == 0 ? 0 : plx__fail_last();
}

void plx__environment_remove(const char *name)
{
    (void)unsetenv(name);
}

int plx__datagram_send(const char *name, const void *bytes, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t name_length = strlen(name);
    if (name[0] != '/' && name[0] != '@')
        return PLX_EINVAL;
    if (name_length >= sizeof address.sun_path)
        return PLX_ENAMETOOLONG;
    memcpy(address.sun_path, name, name_length);
    if (name[0] == '@')
        address.sun_path[0] = '\0'; /* Its length tells where such a name ends (unix(7)). */
    int channel = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (channel < 0)
        return plx__fail_last();
    (void)fcntl(channel, F_SETFD, FD_CLOEXEC);
    (void)plx__socket_set_blocking(channel, false);
    socklen_t address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_length);
    if (name[0] == '/')
        address_length++;
    ssize_t sent = sendto(channel, bytes, length, PLX__SEND_FLAGS,
                          (const struct sockaddr *)(const void *)&address, address_length);
    int status = sent >= 0 ? 0 : plx__fail_last();
    (void)close(channel);
    return status;
}
