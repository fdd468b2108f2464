/* platform/socket_look.c - a look at one socket, which no backend needs to know of. */
#include "platform/os.h"

#ifdef _WIN32

/* select(), because WSAPoll reports the end of the peer's side as a hang-up, whatever was asked. */
uint32_t plx__socket_look(plx_socket socket, uint32_t interest)
{
    struct timeval at_once = {0, 0};
    fd_set readable;
    fd_set writable;
    fd_set failed;
    uint32_t ready = 0;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&failed);
    if ((interest & PLX__LOOK_READ) != 0)
        FD_SET(socket, &readable);
    if ((interest & PLX__LOOK_WRITE) != 0)
        FD_SET(socket, &writable);
    FD_SET(socket, &failed); /* A connect that failed is neither (Winsock: select). */
    int count = select(0, &readable, &writable, &failed, &at_once);
    if (count == 0)
        return 0;
    if (count < 0)
        return WSAGetLastError() == WSAENOTSOCK ? 0 : interest;
    if (FD_ISSET(socket, &failed))
        return interest;
    if (FD_ISSET(socket, &readable))
        ready |= PLX__LOOK_READ;
    if (FD_ISSET(socket, &writable))
        ready |= PLX__LOOK_WRITE;
    return ready;
}

#else

uint32_t plx__socket_look(plx_socket socket, uint32_t interest)
{
    int count;
    uint32_t ready = 0;
    plx__poll_entry entry = {.fd = socket};
    if ((interest & PLX__LOOK_READ) != 0)
        entry.events |= PLX__POLL_READ;
    if ((interest & PLX__LOOK_WRITE) != 0)
        entry.events |= PLX__POLL_WRITE;
    do {
        count = poll(&entry, 1, 0);
    } while (count < 0 && errno == EINTR); /* A signal that waits ends even a poll of no time. */
    if (count < 0)
        return interest;
    if ((entry.revents & PLX__POLL_READABLE) != 0)
        ready |= PLX__LOOK_READ;
    if ((entry.revents & PLX__POLL_WRITABLE) != 0)
        ready |= PLX__LOOK_WRITE;
    return ready & interest;
}

#endif
