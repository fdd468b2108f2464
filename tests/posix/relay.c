/* tests/posix/relay.c - takes connections at a path, and passes each on to a port of this machine:
 * for ci/programs, whose native servers cannot be reached by the layer's Unix-domain sockets.
 *
 *   relay PATH PORT
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_in target;

static void sent(int fd, const char *bytes, ssize_t length)
{
    while (length > 0) {
        ssize_t now = write(fd, bytes, (size_t)length);
        if (now <= 0)
            return;
        bytes += now;
        length -= now;
    }
}

static void *relayed(void *data)
{
    char bytes[65536];
    int fd = (int)(size_t)data;
    int other = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd ends[2] = {{fd, POLLIN, 0}, {other, POLLIN, 0}};
    if (connect(other, (struct sockaddr *)&target, sizeof target) == 0) {
        for (int open = 2; open > 0 && poll(ends, 2, -1) > 0;) {
            for (int i = 0; i < 2; i++) {
                if (ends[i].fd < 0 || ends[i].revents == 0)
                    continue;
                ssize_t got = read(ends[i].fd, bytes, sizeof bytes);
                if (got > 0) {
                    sent(i == 0 ? other : fd, bytes, got);
                    continue;
                }
                (void)shutdown(i == 0 ? other : fd, SHUT_WR);
                ends[i].fd = -1;
                open--;
            }
        }
    }
    (void)close(fd);
    (void)close(other);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (argc != 3 || strlen(argv[1]) >= sizeof name.sun_path)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)strcpy(name.sun_path, argv[1]);
    target.sin_family = AF_INET;
    target.sin_port = htons((unsigned short)atoi(argv[2]));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(listener, 100) != 0) {
        perror(argv[1]);
        return 1;
    }
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && pthread_create(&thread, NULL, relayed, (void *)(size_t)fd) == 0)
            (void)pthread_detach(thread);
    }
}
