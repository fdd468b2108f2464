/* posix_echo.c - an echo server of plain POSIX: `posix_echo PORT`. There is nothing of Windows in
 * it, and nothing of Pollux; linked with pollux::posix it runs on both systems.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 1000

static int listen_at(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    socklen_t length = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        perror("posix_echo");
        exit(1);
    }
    printf("listening on port %u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    static struct pollfd entries[1 + CLIENTS_MAX];
    static char bytes[65536];
    nfds_t count = 1;
    entries[0].fd = listen_at(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0);
    entries[0].events = POLLIN;
    while (poll(entries, count, -1) > 0) {
        for (nfds_t i = count; i-- > 1;) {
            if (entries[i].revents == 0)
                continue;
            ssize_t got = read(entries[i].fd, bytes, sizeof bytes);
            for (ssize_t sent = 0, one = 0; got > 0 && sent < got; sent += one) {
                one = send(entries[i].fd, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL);
                if (one < 0)
                    got = -1;
            }
            if (got <= 0) {
                (void)close(entries[i].fd);
                entries[i] = entries[--count];
            }
        }
        entries[0].events = count <= CLIENTS_MAX ? POLLIN : 0;
        if ((entries[0].revents & POLLIN) != 0)
            entries[count].fd = accept(entries[0].fd, NULL, NULL);
        if ((entries[0].revents & POLLIN) != 0 && entries[count].fd >= 0)
            entries[count++].events = POLLIN;
    }
    return 1;
}
