/* tests/posix/echo_client.c - `echo_client PORT CONNECTIONS BYTES`: sends pseudo-random bytes over
 * each connection, all at once, and demands the same bytes back.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct client {
    size_t sent;
    size_t got;
} client;

/* The byte at a place of a connection's stream. */
static unsigned char byte_at(size_t connection, size_t place)
{
    return (unsigned char)(place * 31 + connection * 7 + place / 251);
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        exit(fail("connect"));
    return fd;
}

static int client_write(client *one, size_t number, int fd, size_t whole)
{
    unsigned char bytes[8192];
    size_t count = whole - one->sent < sizeof bytes ? whole - one->sent : sizeof bytes;
    for (size_t i = 0; i < count; i++)
        bytes[i] = byte_at(number, one->sent + i);
    ssize_t sent = write(fd, bytes, count);
    if (sent < 0)
        return errno == EAGAIN ? 0 : fail("write");
    one->sent += (size_t)sent;
    return 0;
}

static int client_read(client *one, size_t number, int fd)
{
    unsigned char bytes[8192];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0)
        return errno == EAGAIN ? 0 : fail("read");
    if (got == 0) {
        fprintf(stderr, "connection %d ended after %d bytes\n", (int)number, (int)one->got);
        return 1;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] != byte_at(number, one->got++)) {
            fprintf(stderr, "connection %d: a wrong byte at %d\n", (int)number, (int)one->got);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct pollfd entries[1000];
    static client clients[1000];
    if (argc != 4)
        return 2;
    unsigned port = (unsigned)strtoul(argv[1], NULL, 10);
    size_t count = strtoul(argv[2], NULL, 10);
    size_t whole = strtoul(argv[3], NULL, 10);
    for (size_t i = 0; i < count; i++)
        entries[i].fd = connect_to(port);
    for (size_t left = count; left > 0;) {
        left = 0;
        for (size_t i = 0; i < count; i++) {
            entries[i].events = (short)((clients[i].sent < whole ? POLLOUT : 0) |
                                        (clients[i].got < whole ? POLLIN : 0));
            left += clients[i].got < whole;
        }
        if (left > 0 && poll(entries, (nfds_t)count, 30000) <= 0)
            return fail("poll");
        for (size_t i = 0; i < count && left > 0; i++) {
            if ((entries[i].revents & POLLOUT) != 0 &&
                client_write(&clients[i], i, entries[i].fd, whole) != 0)
                return 1;
            if ((entries[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0 &&
                client_read(&clients[i], i, entries[i].fd) != 0)
                return 1;
        }
    }
    printf("%d connections echoed %d bytes each\n", (int)count, (int)whole);
    return 0;
}
