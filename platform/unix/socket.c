/* platform/unix/socket.c - sockets of BSD descent. */
#include "platform/os.h"

#include <fcntl.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif
#include <sys/stat.h>
#include <sys/uio.h>

#include "platform/fault.h"

_Static_assert(sizeof(plx__slice) == sizeof(struct iovec), "a slice is an iovec");
_Static_assert(offsetof(plx__slice, bytes) == offsetof(struct iovec, iov_base), "bytes first");
_Static_assert(offsetof(plx__slice, length) == offsetof(struct iovec, iov_len), "then length");

int plx__sockets_start(void)
{
    return 0;
}

void plx__sockets_end(void)
{
}

int plx__socket_set_blocking(plx_socket socket, bool is_blocking)
{
    int flags = fcntl(socket, F_GETFL);
    if (flags < 0)
        return plx__fail_last();
    flags = is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return fcntl(socket, F_SETFL, flags) == 0 ? 0 : plx__fail_last();
}

int plx__socket_duplicate(plx_socket socket, plx_socket *socket_out)
{
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    *socket_out = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    return *socket_out >= 0 ? 0 : plx__fail_last();
}

static int socket_prepare(int descriptor)
{
    int status = plx__socket_set_blocking(descriptor, false);
    if (status != 0)
        return status;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0)
        return plx__fail_last();
#ifdef SO_NOSIGPIPE
    int on = 1;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return 0;
}

/* Takes a descriptor that a system call has just made, or -1 with errno. */
static int socket_take(int descriptor, bool is_prepared, plx_socket *socket_out)
{
    if (descriptor < 0)
        return plx__fail_last();
    int status = is_prepared ? 0 : socket_prepare(descriptor);
    if (status != 0) {
        (void)close(descriptor);
        return status;
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *socket_out = descriptor;
    return 0;
}

int plx__socket_open(plx_socket *socket_out, uint32_t family)
{
    static const int families[] = {
        [PLX__FAMILY_IPV4] = AF_INET,
        [PLX__FAMILY_IPV6] = AF_INET6,
        [PLX__FAMILY_UNIX] = AF_UNIX,
    };
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
#ifdef SOCK_CLOEXEC
    int made = socket(families[family], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return socket_take(made, true, socket_out);
#else
    return socket_take(socket(families[family], SOCK_STREAM, 0), false, socket_out);
#endif
}

void plx__socket_close(plx_socket socket)
{
    if (socket == PLX_SOCKET_NONE)
        return;
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
    plx__socket_dispose(socket);
}

void plx__socket_dispose(plx_socket socket)
{
    /* Not again after EINTR: Linux has closed it then, and the number may be someone else's. */
    if (socket != PLX_SOCKET_NONE)
        (void)close(socket);
}

static int stream_check(plx_socket socket)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
        return plx__fail_last();
    return type == SOCK_STREAM ? 0 : PLX_EINVAL;
}

static int listening_check(plx_socket socket)
{
#ifdef SO_ACCEPTCONN
    int is_listening = 0;
    socklen_t size = sizeof is_listening;
    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0)
        return plx__fail_last();
    return is_listening != 0 ? 0 : PLX_EINVAL;
#else
    plx__address
        peer; /* One that is connected does not listen; of others the system does not tell. */
    return plx__socket_peer(socket, &peer) != 0 ? 0 : PLX_EINVAL;
#endif
}

static int socket_own(plx_socket socket)
{
    int status = socket_prepare(socket);
    if (status == 0)
        plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return status;
}

int plx__socket_adopt(plx_socket socket)
{
    plx__address peer;
    int status = stream_check(socket);
    if (status == 0)
        status = plx__socket_peer(socket, &peer);
    return status == 0 ? socket_own(socket) : status;
}

int plx__socket_adopt_listening(plx_socket socket)
{
    int status = stream_check(socket);
    if (status == 0)
        status = listening_check(socket);
    return status == 0 ? socket_own(socket) : status;
}

void plx__socket_disown(plx_socket socket)
{
    (void)socket;
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
}

void plx__socket_reown(plx_socket socket)
{
    (void)socket;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
}

int plx__socket_set(plx_socket socket, enum plx__socket_option option, int value)
{
    const struct linger at_once = {.l_onoff = value, .l_linger = 0};
    const void *set = &value;
    socklen_t size = sizeof value;
    int level = SOL_SOCKET;
    int name = 0;
    switch (option) {
    case PLX__SOCKET_NO_DELAY:
        level = IPPROTO_TCP;
        name = TCP_NODELAY;
        break;
    case PLX__SOCKET_ONLY_IPV6:
        level = IPPROTO_IPV6;
        name = IPV6_V6ONLY;
        break;
    case PLX__SOCKET_RESET_ON_CLOSE:
        name = SO_LINGER;
        set = &at_once;
        size = sizeof at_once;
        break;
    case PLX__SOCKET_SEND_BYTES:
        name = SO_SNDBUF;
        break;
    case PLX__SOCKET_RECEIVE_BYTES:
        name = SO_RCVBUF;
        break;
    case PLX__SOCKET_LISTEN_ALONE:
        /* Here it lets an address be taken that only closed connections still hold; two listeners
         * on one address stay impossible. */
        name = SO_REUSEADDR;
        break;
    case PLX__SOCKET_SHARE_PORT:
        /* SO_REUSEPORT balances on Linux (socket(7)). On FreeBSD it does not, and SO_REUSEPORT_LB
         * does (setsockopt(2)); elsewhere the last to come gets all, or it is not said. */
#if defined(SO_REUSEPORT_LB)
        name = SO_REUSEPORT_LB;
        break;
#elif defined(__linux__) && defined(SO_REUSEPORT)
        name = SO_REUSEPORT;
        break;
#else
        return PLX_ENOSYS;
#endif
    case PLX__SOCKET_DEFER_ACCEPT:
#ifdef TCP_DEFER_ACCEPT
        level = IPPROTO_TCP;
        name = TCP_DEFER_ACCEPT;
        break;
#else
        return PLX_ENOSYS;
#endif
    }
    return setsockopt(socket, level, name, set, size) == 0 ? 0 : plx__fail_last();
}

int plx__socket_bind(plx_socket socket, const plx__address *address)
{
    if (bind(socket, plx__address_raw_const(address), (socklen_t)address->length) == 0)
        return 0;
    return plx__fail_last();
}

bool plx__address_retry(uint64_t since_ns)
{
#ifdef __linux__
    enum { PATIENCE_MS = 100 };
    if (plx__clock_now() - since_ns >= PATIENCE_MS * PLX_MILLISECOND)
        return false;
    (void)plx__poll(NULL, 0, PLX_MILLISECOND);
    return true;
#else
    (void)since_ns;
    return false;
#endif
}

int plx__socket_listen(plx_socket socket, uint32_t backlog)
{
    int bounded = backlog > 65535 ? 65535 : (int)backlog;
    return listen(socket, bounded) == 0 ? 0 : plx__fail_last();
}

int plx__accept_failed(int os_code)
{
    /* Linux passes errors of the new connection on (accept(2), "Error handling"). */
    switch (os_code) {
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        plx__fail(os_code);
        return PLX_ECONNABORTED;
    default:
        return plx__fail(os_code);
    }
}

int plx__socket_accept(plx_socket listener, plx_socket *socket_out)
{
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    int made;
    do {
#ifdef SOCK_CLOEXEC
        made = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
        made = accept(listener, NULL, NULL);
#endif
    } while (made < 0 && errno == EINTR);
    if (made < 0)
        return plx__accept_failed(errno);
#ifdef SOCK_CLOEXEC
    return socket_take(made, true, socket_out);
#else
    return socket_take(made, false, socket_out);
#endif
}

int plx__socket_connect(plx_socket socket, const plx__address *address)
{
    if (connect(socket, plx__address_raw_const(address), (socklen_t)address->length) == 0)
        return 0;
    /* An interrupted connect goes on by itself, and asking again says EALREADY. */
    if (errno == EINTR || errno == EINPROGRESS)
        return PLX_EAGAIN;
    /* Linux: the backlog of a Unix-domain listener is full, and nothing is under way. */
    if (errno == EAGAIN) {
        plx__fail_last();
        return PLX_ECONNREFUSED;
    }
    return plx__fail_last();
}

int plx__socket_connect_result(plx_socket socket)
{
    int os_code = 0;
    socklen_t size = sizeof os_code;
    plx__address peer;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &os_code, &size) != 0)
        return plx__fail_last();
    int status = os_code != 0 ? plx__fail(os_code) : plx__socket_peer(socket, &peer);
    /* It connected, and before anybody looked the peer has ended and reset it: Linux then says
     * EPIPE, or has no peer any more. */
    return status == PLX_EPIPE || status == PLX_ENOTCONN ? PLX_ECONNRESET : status;
}

ptrdiff_t plx__receive_failed(void)
{
    return errno == EINTR ? PLX_EAGAIN : plx__fail_last();
}

ptrdiff_t plx__socket_receive(plx_socket socket, void *bytes, size_t size)
{
    return plx__receive(socket, bytes, size);
}

ptrdiff_t plx__send_failed(void)
{
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return plx__fail_last();
}

ptrdiff_t plx__socket_send(plx_socket socket, const void *bytes, size_t length)
{
    return plx__send(socket, bytes, length);
}

ptrdiff_t plx__socket_send_slices(plx_socket socket, const plx__slice *slices, size_t count)
{
    struct msghdr message = {0};
    message.msg_iov = (struct iovec *)(uintptr_t)slices;
    message.msg_iovlen = (uint16_t)count; /* Its type is size_t here and int there. */
    ssize_t sent = sendmsg(socket, &message, PLX__SEND_FLAGS);
    return sent >= 0 ? sent : plx__send_failed();
}

int plx__socket_shutdown(plx_socket socket)
{
    return shutdown(socket, SHUT_WR) == 0 ? 0 : plx__fail_last();
}

/* Whether the file has anything to wait for: poll() says of one without that it is always ready, or
 * that it is invalid, and so one could wait for it, or not, depending on the backend. */
#ifdef __linux__
static int check_by_epoll(int descriptor)
{
    struct epoll_event none = {.events = 0};
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return plx__fail_last();
    int status = epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &none) == 0 ? 0 : plx__fail_last();
    (void)close(set);
    return status == PLX_EACCES ? PLX_ENOTSOCK : status; /* EPERM: the file cannot be polled. */
}
#else
static int check_by_poll(int descriptor)
{
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    if (poll(&entry, 1, 0) < 0)
        return errno == EINTR ? 0 : plx__fail_last();
    return (entry.revents & POLLNVAL) != 0 ? PLX_ENOTSOCK : 0;
}
#endif

int plx__socket_check(plx_socket socket)
{
    struct stat state;
    if (fstat(socket, &state) != 0)
        return plx__fail_last();
    if (S_ISSOCK(state.st_mode) || S_ISFIFO(state.st_mode))
        return 0;
    if (S_ISREG(state.st_mode) || S_ISDIR(state.st_mode) || S_ISBLK(state.st_mode))
        return PLX_ENOTSOCK;
#ifdef __linux__
    return check_by_epoll(socket);
#else
    return check_by_poll(socket);
#endif
}

void plx__spare_open(plx__spare *spare)
{
    spare->descriptor = PLX_SOCKET_NONE;
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return;
    spare->descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (spare->descriptor >= 0)
        plx__fault_taken(PLX__FAULT_DESCRIPTOR);
}

void plx__spare_close(plx__spare *spare)
{
    plx__socket_close(spare->descriptor);
    spare->descriptor = PLX_SOCKET_NONE;
}
