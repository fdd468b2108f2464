/* tests/posix/throughput.c - an echo over loopback, measured: what the POSIX layer costs.
 *
 * One source, built twice for Windows: over the layer, and (with -DWINSOCK) over Winsock directly.
 * `throughput blocking|poll BYTES MESSAGES CONNECTIONS` runs a server and its clients in threads of
 * this process; the clients do not differ between the modes. ci/posix-throughput.sh runs both in
 * turn and compares. It is no test: nothing here is demanded of a clock.
 */
#ifdef WINSOCK
#include <winsock2.h>

#include <windows.h>
#define poll WSAPoll
typedef SOCKET descriptor;
#define NOT_BLOCKING(fd) (ioctlsocket((fd), FIONBIO, &(u_long){1}))
#define LAST_IS_AGAIN    (WSAGetLastError() == WSAEWOULDBLOCK)
#else
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
typedef int descriptor;
#define closesocket      close
#define NOT_BLOCKING(fd) (fcntl((fd), F_SETFL, O_NONBLOCK))
#define LAST_IS_AGAIN    (errno == EAGAIN)
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 64

static size_t size;
static long messages;
static int connections;
static descriptor listener;
static struct sockaddr_in address;

static void die(const char *what)
{
    fprintf(stderr, "throughput: %s\n", what);
    exit(1);
}

static void no_delay(descriptor fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
}

static void send_all(descriptor fd, const char *bytes, size_t length)
{
    while (length > 0) {
        long sent = (long)send(fd, bytes, (int)length, 0);
        if (sent < 0 && LAST_IS_AGAIN)
            continue;
        if (sent < 0)
            die("send");
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void *serve_blocking(void *data)
{
    descriptor fd = (descriptor)(size_t)data;
    char *bytes = malloc(65536);
    long got;
    while ((got = (long)recv(fd, bytes, 65536, 0)) > 0)
        send_all(fd, bytes, (size_t)got);
    free(bytes);
    (void)closesocket(fd);
    return NULL;
}

static void *serve_each(void *data)
{
    pthread_t thread;
    (void)data;
    for (int i = 0; i < connections; i++) {
        descriptor fd = accept(listener, NULL, NULL);
        no_delay(fd);
        if (pthread_create(&thread, NULL, serve_blocking, (void *)(size_t)fd) != 0)
            die("thread");
        (void)pthread_detach(thread);
    }
    return NULL;
}

static void *serve_poll(void *data)
{
    static struct pollfd entries[CONNECTIONS_MAX];
    static char bytes[65536];
    int open = connections;
    (void)data;
    for (int i = 0; i < connections; i++) {
        entries[i].fd = accept(listener, NULL, NULL);
        entries[i].events = POLLIN;
        no_delay(entries[i].fd);
        (void)NOT_BLOCKING(entries[i].fd);
    }
    while (open > 0) {
        if (poll(entries, (unsigned long)open, -1) <= 0)
            die("poll");
        for (int i = open; i-- > 0;) {
            if (entries[i].revents == 0)
                continue;
            long got = (long)recv(entries[i].fd, bytes, sizeof bytes, 0);
            if (got > 0) {
                send_all(entries[i].fd, bytes, (size_t)got);
            } else if (got == 0 || !LAST_IS_AGAIN) {
                (void)closesocket(entries[i].fd);
                entries[i] = entries[--open];
            }
        }
    }
    return NULL;
}

static void *client(void *data)
{
    char *bytes = calloc(1, size);
    descriptor fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)data;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    no_delay(fd);
    for (long i = 0; i < messages; i++) {
        send_all(fd, bytes, size);
        for (size_t whole = 0; whole < size;) {
            long got = (long)recv(fd, bytes, (int)(size - whole), 0);
            if (got <= 0)
                die("recv");
            whole += (size_t)got;
        }
    }
    (void)closesocket(fd);
    free(bytes);
    return NULL;
}

static double seconds_between(const struct timespec *start, const struct timespec *end)
{
    return (double)(end->tv_sec - start->tv_sec) + (double)(end->tv_nsec - start->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
    pthread_t server;
    pthread_t clients[CONNECTIONS_MAX];
    if (argc != 5)
        return 2;
#ifdef WINSOCK
    WSADATA about;
    (void)WSAStartup(MAKEWORD(2, 2), &about);
    int length = sizeof address;
#else
    socklen_t length = sizeof address;
#endif
    size = strtoul(argv[2], NULL, 10);
    messages = strtol(argv[3], NULL, 10);
    connections = (int)strtol(argv[4], NULL, 10);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7f000001);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        die("listen");
    struct timespec start;
    struct timespec end;
    struct timespec busy_start;
    struct timespec busy_end;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &busy_start);
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    if (pthread_create(&server, NULL, strcmp(argv[1], "poll") == 0 ? serve_poll : serve_each,
                       NULL) != 0)
        die("thread");
    for (int i = 0; i < connections; i++) {
        if (pthread_create(&clients[i], NULL, client, NULL) != 0)
            die("thread");
    }
    for (int i = 0; i < connections; i++)
        (void)pthread_join(clients[i], NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &busy_end);
    double count = (double)messages * connections;
    printf("%.0f messages/s, %.1f us of processor per message\n",
           count / seconds_between(&start, &end),
           seconds_between(&busy_start, &busy_end) / count * 1e6);
    return 0;
}
