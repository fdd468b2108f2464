/* posix/names/exchange.c - a question that is put to name servers, one after the other, until one
 * answers (RFC 1035, 4.2).
 *
 * It owns the sockets, one for each question to each server, and closes them. Whoever can send to
 * them may answer: what does not repeat the question and its number is not looked at. This file
 * speaks POSIX only, by the headers of programs.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "posix/names/resolver.h"

/* Bits of the flags of a message: RFC 1035, 4.1.1. */
enum { IS_ANSWER = 0x8000, IS_AUTHORITY = 0x0400, IS_CUT = 0x0200, CAN_RECURSE = 0x0080 };

typedef struct exchange {
    const unsigned char *question;
    int question_length;
    unsigned char *answer;
    int size;
    struct sockaddr_storage server;
    socklen_t server_length;
    int64_t deadline_ms; /* Of what is waited for now. */
    bool is_stream;
    bool was_reached; /* A server was sent the question, or tried to be. */
} exchange;

/* --- time -----------------------------------------------------------------------------------
 */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long each server is waited for. */
static int64_t patience_ms(const struct __res_state *state)
{
    enum { SECONDS_MAX = 3600 };
    return 1000 * (int64_t)(state->retrans < 1             ? 1
                            : state->retrans < SECONDS_MAX ? state->retrans
                                                           : SECONDS_MAX);
}

/* Whether the socket is ready before the time is up. */
static bool is_ready(const exchange *of, int fd, short events)
{
    for (;;) {
        struct pollfd entry = {.fd = fd, .events = events, .revents = 0};
        const int64_t left = of->deadline_ms - now_ms();
        const int ready = left > 0 ? poll(&entry, 1, (int)left) : 0;
        if (ready > 0)
            return true;
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

/* --- answers --------------------------------------------------------------------------------
 */

/* Whether both messages ask the same, in the same order. */
static bool asks_same(const exchange *of, int length)
{
    const unsigned char *ours = of->question + NS_HFIXEDSZ;
    const unsigned char *theirs = of->answer + NS_HFIXEDSZ;
    for (unsigned left = ns_get16(of->question + 4); left > 0; left--) {
        char our_name[NS_MAXDNAME];
        char their_name[NS_MAXDNAME];
        const unsigned char *our_end = of->question + of->question_length;
        const unsigned char *their_end = of->answer + length;
        const int our_bytes = dn_expand(of->question, our_end, ours, our_name, NS_MAXDNAME);
        const int their_bytes = dn_expand(of->answer, their_end, theirs, their_name, NS_MAXDNAME);
        if (our_bytes < 0 || their_bytes < 0 || strcasecmp(our_name, their_name) != 0)
            return false;
        ours += our_bytes;
        theirs += their_bytes;
        if (our_end - ours < NS_QFIXEDSZ || their_end - theirs < NS_QFIXEDSZ ||
            memcmp(ours, theirs, NS_QFIXEDSZ) != 0)
            return false;
        ours += NS_QFIXEDSZ;
        theirs += NS_QFIXEDSZ;
    }
    return true;
}

/* Whether these bytes answer the question (RFC 5452, 9.1). */
static bool is_answer(const exchange *of, int length)
{
    return length >= NS_HFIXEDSZ && ns_get16(of->answer) == ns_get16(of->question) &&
           (ns_get16(of->answer + 2) & IS_ANSWER) != 0 &&
           ns_get16(of->answer + 4) == ns_get16(of->question + 4) && asks_same(of, length);
}

/* Whether another server may know more: this one cannot or will not tell, or knows nothing and asks
 * nobody. */
static bool is_refusal(const exchange *of)
{
    const unsigned flags = ns_get16(of->answer + 2);
    switch (flags & 15) {
    case ns_r_servfail:
    case ns_r_notimpl:
    case ns_r_refused:
        return true;
    case ns_r_noerror:
        return (flags & (IS_AUTHORITY | CAN_RECURSE)) == 0 && ns_get16(of->answer + 6) == 0 &&
               ns_get16(of->answer + 10) == 0;
    default:
        return false;
    }
}

/* --- datagrams ------------------------------------------------------------------------------
 */

/* The length of what this server answers, or -1. */
static int datagram_ask(exchange *of)
{
    const int fd = socket(of->server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    plx__port_scatter(fd);
    int length = -1;
    /* Connected, so that nobody else is heard. */
    if (connect(fd, (const struct sockaddr *)&of->server, of->server_length) == 0 &&
        send(fd, of->question, (size_t)of->question_length, MSG_NOSIGNAL) == of->question_length) {
        of->was_reached = true;
        while (length < 0 && is_ready(of, fd, POLLIN)) {
            const ssize_t bytes = recv(fd, of->answer, (size_t)of->size, 0);
            if (bytes < 0 && errno != EAGAIN && errno != EINTR)
                break;
            if (bytes >= 0 && is_answer(of, (int)bytes))
                length = (int)bytes;
        }
    }
    (void)close(fd);
    return length;
}

/* --- streams (RFC 1035, 4.2.2): each message behind its length, which has two bytes -----------
 */

static bool stream_send(const exchange *of, int fd, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        bytes += sent > 0 ? sent : 0;
        count -= sent > 0 ? (size_t)sent : 0;
        if (count > 0 && !is_ready(of, fd, POLLOUT))
            return false;
    }
    return true;
}

static bool stream_receive(const exchange *of, int fd, unsigned char *bytes, size_t count)
{
    while (count > 0) {
        if (!is_ready(of, fd, POLLIN))
            return false;
        const ssize_t got = recv(fd, bytes, count, 0);
        if (got == 0)
            errno = ECONNRESET;
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        bytes += got > 0 ? got : 0;
        count -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Connects, within the time, and sends the question in one piece. */
static bool stream_ask(exchange *of, int fd)
{
    int code = 0;
    socklen_t code_size = sizeof code;
    if (connect(fd, (const struct sockaddr *)&of->server, of->server_length) != 0) {
        if (errno != EINPROGRESS || !is_ready(of, fd, POLLOUT) ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &code_size) != 0)
            return false;
        errno = code;
        if (code != 0)
            return false;
    }
    const size_t length = (size_t)of->question_length;
    unsigned char *bytes = malloc(length + NS_INT16SZ);
    if (bytes == NULL)
        return false;
    ns_put16((unsigned)length, bytes);
    memcpy(bytes + NS_INT16SZ, of->question, length);
    const bool is_sent = stream_send(of, fd, bytes, length + NS_INT16SZ);
    free(bytes);
    of->was_reached |= is_sent;
    return is_sent;
}

/* Takes one message: its length, which may be more than there is room for, or -1. */
static int stream_take(const exchange *of, int fd)
{
    unsigned char rest[NS_PACKETSZ];
    if (!stream_receive(of, fd, rest, NS_INT16SZ))
        return -1;
    const int length = (int)ns_get16(rest);
    int left = length > of->size ? length - of->size : 0;
    if (!stream_receive(of, fd, of->answer, (size_t)(length - left)))
        return -1;
    while (left > 0) {
        const int part = left < (int)sizeof rest ? left : (int)sizeof rest;
        if (!stream_receive(of, fd, rest, (size_t)part))
            return -1;
        left -= part;
    }
    return length;
}

/* The length of what this server answers, or -1. One that was cut off has the flag TC. */
static int stream_exchange(exchange *of)
{
    const int fd = socket(of->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    bool is_good = stream_ask(of, fd);
    int length = -1;
    while (is_good) {
        length = stream_take(of, fd);
        is_good = length >= 0 && !is_answer(of, length < of->size ? length : of->size);
    }
    if (length > of->size)
        ns_put16(ns_get16(of->answer + 2) | IS_CUT, of->answer + 2);
    const int code = errno;
    (void)close(fd);
    errno = code;
    return length;
}

/* --- servers --------------------------------------------------------------------------------
 */

static bool server_set(exchange *of, const struct __res_state *state, int number)
{
    const struct sockaddr_in *four = &state->nsaddr_list[number];
    const struct sockaddr_in6 *six = state->_u._ext.nsaddrs[number];
    const bool is_four = four->sin_family == AF_INET;
    if (!is_four && six == NULL)
        return false;
    of->server_length = is_four ? sizeof *four : sizeof *six;
    memset(&of->server, 0, sizeof of->server);
    memcpy(&of->server, is_four ? (const void *)four : (const void *)six, of->server_length);
    return true;
}

/* The length of an answer, or -1: the next server is to be asked. After an answer that was too long
 * for a datagram all of them are asked by streams. */
static int server_ask(exchange *of, const struct __res_state *state)
{
    int length = -1;
    of->deadline_ms = now_ms() + patience_ms(state);
    if (!of->is_stream) {
        length = datagram_ask(of);
        of->is_stream = length >= 0 && (ns_get16(of->answer + 2) & IS_CUT) != 0 &&
                        (state->options & RES_IGNTC) == 0;
        of->deadline_ms = now_ms() + patience_ms(state);
    }
    if (of->is_stream)
        length = stream_exchange(of);
    return length >= 0 && !is_refusal(of) ? length : -1;
}

int res_nsend(res_state state, const unsigned char *message, int length, unsigned char *answer,
              int size)
{
    exchange of = {.question = message, .question_length = length, .answer = answer, .size = size};
    if (length < NS_HFIXEDSZ || length > NS_MAXMSG || size < NS_HFIXEDSZ) {
        errno = EINVAL;
        return -1;
    }
    plx__resolver_start(state);
    of.is_stream = (state->options & RES_USEVC) != 0 || length > NS_PACKETSZ;
    const int servers = state->nscount < MAXNS ? state->nscount : MAXNS;
    if (servers <= 0) {
        errno = ESRCH;
        return -1;
    }
    const int first =
        (state->options & RES_ROTATE) != 0 ? (int)arc4random_uniform((uint32_t)servers) : 0;
    for (int nth = 0; nth < state->retry; nth++) {
        for (int i = 0; i < servers; i++) {
            if (!server_set(&of, state, (first + i) % servers))
                continue;
            const int got = server_ask(&of, state);
            if (got >= 0)
                return got;
        }
        if (of.is_stream) /* They resend by themselves. */
            break;
    }
    errno = of.was_reached ? ETIMEDOUT : ECONNREFUSED;
    return -1;
}
