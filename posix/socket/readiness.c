/* posix/socket/readiness.c - what poll() says of a socket: what is known of it without the system,
 * what the system is asked, and its answer in Linux's words.
 */
#include "posix/socket/socket.h"

/* What poll() on Linux says of a socket without asking the system (the reference is Linux's own
 * tcp_poll: a socket that was never connected, or is no longer, hangs up and takes writes). */
unsigned plx__socket_ready(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    unsigned marks = plx__atomic_load_acquire(&socket->marks);
    if (socket->type != SOCK_STREAM)
        return (marks & PLX__SHUT_RECEIVE) != 0 ? PLX__POLLIN | PLX__POLLRDHUP : 0;
    unsigned error = plx__atomic_load(&socket->error) != 0 ? PLX__POLLERR : 0;
    switch (plx__atomic_load_acquire(&socket->state)) {
    case PLX__SOCKET_FRESH:
        return PLX__POLLOUT | PLX__POLLHUP;
    case PLX__SOCKET_FAILED:
        return PLX__POLLIN | PLX__POLLOUT | PLX__POLLHUP | PLX__POLLRDHUP | error;
    case PLX__SOCKET_CONNECTED:
        if ((marks & PLX__SHUT_RECEIVE) != 0)
            error |= PLX__POLLIN | PLX__POLLRDHUP;
        if ((marks & PLX__SHUT_SEND) != 0)
            error |= PLX__POLLOUT; /* Writing fails at once, with EPIPE. */
        if ((marks & (PLX__SHUT_RECEIVE | PLX__SHUT_SEND)) == (PLX__SHUT_RECEIVE | PLX__SHUT_SEND))
            error |= PLX__POLLHUP;
        return error;
    default:
        return error;
    }
}

/* What is asked of the system for it. A hang-up is told only to who asks to read. */
SHORT plx__socket_interest(plx__file *file, unsigned events)
{
    plx__socket *socket = plx__socket_of(file);
    SHORT interest = 0;
    if ((events & (PLX__POLLIN | PLX__POLLRDNORM | PLX__POLLRDHUP)) != 0)
        interest |= PLX__POLL_READ;
    if ((events & (PLX__POLLPRI | PLX__POLLRDBAND)) != 0)
        interest |= POLLRDBAND; /* WSAPoll refuses POLLPRI. */
    if ((events & (PLX__POLLOUT | PLX__POLLWRNORM)) != 0 ||
        plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING)
        interest |= PLX__POLL_WRITE;
    if ((plx__atomic_load_acquire(&socket->marks) & PLX__SHUT_SEND) != 0)
        interest |= PLX__POLL_READ; /* The peer's end is the end of both sides now. */
    return interest != 0 ? interest : PLX__POLL_WRITE;
}

static unsigned connected_answer(plx__socket *socket, SHORT revents)
{
    unsigned answer = 0;
    if ((revents & PLX__POLL_READ) != 0)
        answer |= PLX__POLLIN;
    if ((revents & PLX__POLL_WRITE) != 0)
        answer |= PLX__POLLOUT;
    if ((revents & POLLRDBAND) != 0)
        answer |= PLX__POLLPRI;
    if ((revents & POLLERR) != 0) {
        /* A reset: all is over in both directions. Linux tells the error once, as a broken pipe
         * when the peer had ended its side before (tcp_reset). */
        uint32_t none = 0;
        uint32_t before = plx__atomic_or(&socket->marks, PLX__MARK_RESET);
        if ((before & PLX__MARK_RESET) == 0)
            (void)plx__atomic_compare_exchange(
                &socket->error, &none, (before & PLX__MARK_ENDED) != 0 ? EPIPE : ECONNRESET);
        answer |= PLX__POLLIN | PLX__POLLOUT | PLX__POLLHUP | PLX__POLLRDHUP;
        if (plx__atomic_load(&socket->error) != 0)
            answer |= PLX__POLLERR;
    } else if ((revents & POLLHUP) != 0) {
        plx__atomic_or(&socket->marks, PLX__MARK_ENDED);
        answer |= PLX__POLLIN | PLX__POLLRDHUP;
        if ((plx__atomic_load_acquire(&socket->marks) & PLX__SHUT_SEND) != 0)
            answer |= PLX__POLLHUP;
    }
    return answer;
}

/* The system's answer in Linux's words. */
unsigned plx__socket_answer(plx__file *file, SHORT revents)
{
    plx__socket *socket = plx__socket_of(file);
    if ((revents & POLLNVAL) != 0)
        return PLX__POLLNVAL;
    if (revents == 0)
        return 0;
    if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING) {
        if ((revents & (PLX__POLL_WRITE | POLLERR | POLLHUP)) == 0)
            return 0;
        plx__socket_update(file);
        if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING)
            return 0;
        if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_FAILED)
            return plx__socket_ready(file);
    }
    if (socket->type == SOCK_STREAM &&
        plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTED)
        return connected_answer(socket, revents);
    unsigned answer = 0;
    if ((revents & PLX__POLL_READ) != 0)
        answer |= PLX__POLLIN;
    if ((revents & PLX__POLL_WRITE) != 0)
        answer |= PLX__POLLOUT;
    if ((revents & (POLLERR | POLLHUP)) != 0)
        answer |= PLX__POLLIN; /* The next call meets the error. */
    return answer;
}
