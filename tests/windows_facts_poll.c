/* tests/windows_facts_poll.c - the rows of the table "WSAPoll" in docs/windows.md. */
#include "tests/windows_facts.h"

#include <stdio.h>
#include <string.h>

/* Since Windows 10 1709; not in every SDK (mstcpip.h). */
#define TCP_INITIAL_RTO_IOCTL _WSAIOW(IOC_VENDOR, 17)

#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif

#define ALL (POLLRDNORM | POLLRDBAND | POLLWRNORM)

typedef struct tcp_initial_rto {
    USHORT rtt_milliseconds;
    UCHAR retransmissions_max;
} tcp_initial_rto;

static int socket_error(SOCKET socket)
{
    int code = -1;
    int size = sizeof code;
    (void)getsockopt(socket, SOL_SOCKET, SO_ERROR, (char *)&code, &size);
    return code;
}

/* A refused connect that does not block, with or without retries. */
static double refusal_poll(bool has_retries, int *revents_out, SOCKET *socket_out, int *ioctl_out)
{
    struct sockaddr_in nobody = name_of_nobody();
    SOCKET socket = socket_made(SOCK_STREAM);
    tcp_initial_rto rto = {(USHORT)-1, (UCHAR)-2};
    DWORD returned;
    *ioctl_out = has_retries || WSAIoctl(socket, TCP_INITIAL_RTO_IOCTL, &rto, sizeof rto, NULL, 0,
                                         &returned, NULL, NULL) == 0
                     ? 0
                     : WSAGetLastError();
    socket_unblock(socket);
    double began = milliseconds();
    (void)connect(socket, (struct sockaddr *)&nobody, sizeof nobody);
    *revents_out = polled(socket, POLLWRNORM, 6000);
    *socket_out = socket;
    return milliseconds() - began;
}

static void facts_of_refusals(void)
{
    SOCKET socket;
    int revents, ioctl;
    double slow = refusal_poll(true, &revents, &socket, &ioctl);
    fact("poll.1", "WSAPoll reports a refused connect (from build 19041 on)", revents > 0,
         "revents %#x after %.0f ms", revents, slow);
    fact("poll.3", "a failed connect is WRNORM, HUP and ERR",
         revents == (POLLWRNORM | POLLHUP | POLLERR), "revents %#x", revents);
    int first = socket_error(socket);
    int second = socket_error(socket);
    fact("poll.3", "SO_ERROR is WSAECONNREFUSED, and reading does not clear it",
         first == WSAECONNREFUSED && second == WSAECONNREFUSED, "%d, then %d", first, second);
    (void)closesocket(socket);
    fact("poll.2", "a refusal on the loopback takes retries of two seconds", slow > 1500, "%.0f ms",
         slow);
    double fast = refusal_poll(false, &revents, &socket, &ioctl);
    fact("poll.2", "SIO_TCP_INITIAL_RTO is known, and without retries it takes less than one",
         ioctl == 0 && fast < 1000, "error %d, %.0f ms", ioctl, fast);
    (void)closesocket(socket);
    struct sockaddr_in nobody = name_of_nobody();
    socket = socket_made(SOCK_STREAM);
    int result = connect(socket, (struct sockaddr *)&nobody, sizeof nobody);
    int failed = socket_error(socket);
    fact("poll.3", "SO_ERROR is 0 after a failure that connect() itself met",
         result != 0 && failed == 0, "%d", failed);
    (void)closesocket(socket);
}

static void facts_of_requests(void)
{
    static const SHORT wrong[] = {POLLERR, POLLHUP, POLLNVAL, POLLPRI, POLLWRBAND};
    facts_pair pair = pair_open();
    unsigned refused = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        refused += polled(pair.ours, wrong[i], 0) == -1 && WSAGetLastError() == WSAEINVAL;
    fact("poll.4", "asking for POLLERR, HUP, NVAL, PRI or WRBAND fails with WSAEINVAL",
         refused == 5, "%u of 5 do", refused);
    (void)send(pair.theirs, "x", 1, 0);
    int revents = polled(pair.ours, ALL, 1000);
    fact("poll.5", "data to read is RDNORM alone", revents == (POLLRDNORM | POLLWRNORM),
         "revents %#x", revents);
    (void)send(pair.theirs, "!", 1, MSG_OOB);
    Sleep(50);
    revents = polled(pair.ours, POLLRDBAND, 1000);
    fact("poll.17", "urgent data is RDBAND", revents == POLLRDBAND, "revents %#x", revents);
    pair_close(&pair);
}

static void facts_of_ends(void)
{
    char bytes[8];
    facts_pair pair = pair_open();
    (void)shutdown(pair.theirs, SD_SEND);
    int revents = polled(pair.ours, 0, 1000);
    fact("poll.6", "the peer's end is HUP, though nothing was asked for", revents == POLLHUP,
         "revents %#x", revents);
    revents = polled(pair.ours, ALL, 1000);
    fact("poll.6", "the end is not RDNORM, and leaves WRNORM", revents == (POLLHUP | POLLWRNORM),
         "revents %#x", revents);
    int got = recv(pair.ours, bytes, sizeof bytes, 0);
    revents = polled(pair.ours, 0, 0);
    fact("poll.6", "HUP stays after recv() returned 0", got == 0 && revents == POLLHUP,
         "recv %d, revents %#x", got, revents);
    size_t filled = socket_fill(pair.ours);
    revents = polled(pair.ours, POLLWRNORM, 0);
    fact("poll.6", "one that is full and has hung up is HUP without WRNORM", revents == POLLHUP,
         "revents %#x after %lu bytes", revents, (unsigned long)filled);
    int peeked = recv(pair.ours, bytes, 1, MSG_PEEK);
    fact("poll.6", "peeking at one whose peer has shut its side is 0", peeked == 0, "%d", peeked);
    socket_reset(pair.theirs);
    Sleep(100);
    revents = polled(pair.ours, POLLWRNORM, 1000);
    peeked = recv(pair.ours, bytes, 1, MSG_PEEK);
    int code = peeked < 0 ? WSAGetLastError() : 0;
    fact("poll.6", "a reset behind the end, while it is full, is told by ERR or WRNORM",
         (revents & (POLLERR | POLLWRNORM)) != 0, "revents %#x, peek %d, error %d", revents, peeked,
         code);
    (void)closesocket(pair.ours);

    pair = pair_open();
    (void)send(pair.theirs, "data", 4, 0);
    (void)shutdown(pair.theirs, SD_SEND);
    Sleep(50);
    revents = polled(pair.ours, POLLRDNORM, 1000);
    fact("poll.6", "the end behind unread data is RDNORM and HUP",
         revents == (POLLRDNORM | POLLHUP), "revents %#x", revents);
    pair_close(&pair);
}

static void facts_of_resets(void)
{
    char bytes[8];
    facts_pair pair = pair_open();
    socket_reset(pair.theirs);
    int revents = polled(pair.ours, ALL, 1000);
    fact("poll.6", "a reset is ERR, HUP and WRNORM", revents == (POLLERR | POLLHUP | POLLWRNORM),
         "revents %#x", revents);
    int failed = socket_error(pair.ours);
    fact("poll.7", "SO_ERROR is 0 after a reset", failed == 0, "%d", failed);
    int got = recv(pair.ours, bytes, 1, MSG_PEEK);
    int code = got < 0 ? WSAGetLastError() : 0;
    fact("poll.6", "peeking after a reset fails with WSAECONNRESET", code == WSAECONNRESET,
         "%d, error %d", got, code);
    got = recv(pair.ours, bytes, 1, 0);
    code = got < 0 ? WSAGetLastError() : 0;
    fact("poll.6", "receiving after a reset fails with WSAECONNRESET", code == WSAECONNRESET,
         "%d, error %d", got, code);
    got = send(pair.ours, "x", 1, 0);
    code = got < 0 ? WSAGetLastError() : 0;
    fact("poll.6", "sending after a reset fails with WSAECONNRESET", code == WSAECONNRESET,
         "%d, error %d", got, code);
    (void)closesocket(pair.ours);

    pair = pair_open();
    (void)send(pair.theirs, "data", 4, 0);
    Sleep(50);
    socket_reset(pair.theirs);
    Sleep(50);
    got = recv(pair.ours, bytes, 1, MSG_PEEK);
    code = got < 0 ? WSAGetLastError() : 0;
    fact("poll.6", "a reset discards unread data, so that peeking fails", code == WSAECONNRESET,
         "%d, error %d", got, code);
    (void)closesocket(pair.ours);
}

static void facts_of_bad_sockets(void)
{
    facts_pair pair = pair_open();
    SOCKET gone = socket_made(SOCK_STREAM);
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    int result = WSAPoll(NULL, 0, 10);
    fact("poll.8", "no entries: WSAEINVAL at once", result < 0 && WSAGetLastError() == WSAEINVAL,
         "%d, error %d", result, WSAGetLastError());
    WSAPOLLFD entries[2] = {{~pair.ours, POLLWRNORM, 0}, {pair.theirs, POLLRDNORM, 0}};
    double began = milliseconds();
    result = WSAPoll(entries, 2, 50);
    double took = milliseconds() - began;
    fact("poll.9", "a negative socket is NVAL, not counted, and does not end the wait",
         result == 0 && entries[0].revents == POLLNVAL && took > 30, "%d, revents %#x, %.0f ms",
         result, (unsigned)entries[0].revents, took);
    (void)closesocket(gone);
    entries[0].fd = gone;
    began = milliseconds();
    result = WSAPoll(entries, 2, 50);
    took = milliseconds() - began;
    fact("poll.10", "a closed socket among others is NVAL, and not counted",
         result == 0 && entries[0].revents == POLLNVAL, "%d, revents %#x, %.0f ms", result,
         (unsigned)entries[0].revents, took);
    result = WSAPoll(entries, 1, 50);
    fact("poll.10", "all closed: WSAENOTSOCK", result < 0 && WSAGetLastError() == WSAENOTSOCK,
         "%d, error %d", result, WSAGetLastError());
    int revents = polled((SOCKET)event, POLLRDNORM, 0);
    fact("poll.14", "what is no socket cannot be polled", revents == -1 || revents == POLLNVAL,
         "revents %#x", revents);
    (void)CloseHandle(event);
    pair_close(&pair);
}

static void facts_of_datagrams(void)
{
    struct sockaddr_in nobody;
    SOCKET gone = socket_made(SOCK_DGRAM);
    memset(&nobody, 0, sizeof nobody);
    nobody.sin_family = AF_INET;
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)bind(gone, (struct sockaddr *)&nobody, sizeof nobody);
    nobody = name_of(gone);
    (void)closesocket(gone);
    for (int is_off = 0; is_off < 2; is_off++) {
        char byte;
        BOOL off = FALSE;
        DWORD returned;
        SOCKET socket = socket_made(SOCK_DGRAM);
        int ioctl = is_off != 0 ? WSAIoctl(socket, SIO_UDP_CONNRESET, &off, sizeof off, NULL, 0,
                                           &returned, NULL, NULL)
                                : 0;
        socket_unblock(socket);
        (void)sendto(socket, "x", 1, 0, (struct sockaddr *)&nobody, sizeof nobody);
        Sleep(100);
        int got = recv(socket, &byte, 1, 0);
        int code = got < 0 ? WSAGetLastError() : 0;
        if (is_off == 0)
            fact("poll.18", "receiving datagrams fails with WSAECONNRESET after an ICMP error",
                 code == WSAECONNRESET, "error %d", code);
        else
            fact("poll.18", "not with SIO_UDP_CONNRESET off", ioctl == 0 && code == WSAEWOULDBLOCK,
                 "error %d", code);
        (void)closesocket(socket);
    }
}

void facts_of_poll(void)
{
    facts_of_refusals();
    facts_of_requests();
    facts_of_ends();
    facts_of_resets();
    facts_of_bad_sockets();
    facts_of_datagrams();
}
