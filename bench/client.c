/* bench/client.c - the load: one thread, epoll, many connections in a closed loop, each answer
 * compared with what it should be, and its time taken.
 *
 *   bench_client PORT ACTIVE http|echo|close UNIT
 *
 * UNIT is how many requests are sent at once (http), or how many bytes (echo); 1 for close, where
 * each request has a connection of its own. It then obeys lines on its standard input:
 *
 *   idle COUNT          holds so many idle connections besides (it only ever adds)
 *   seconds S           runs for so long, and until every answer has come
 *   requests COUNT      runs so many
 *
 * and answers each with one line of JSON. Between commands no byte is on its way.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/conn.h"
#include "tools/histogram.h"

#define EVENTS_MAX    1024
#define RECEIVE_BYTES (256 * 1024)
#define IDLE_BATCH    256 /* So many connect before the server is asked whether it keeps up. */
#define PATIENCE_MS   30000
#define UNIT_MAX      (8 * 1024 * 1024)

typedef struct client_conn {
    int fd; /* -1: none. */
    size_t sent;
    size_t received;
    uint64_t start_ns;
} client_conn;

typedef struct client {
    int epoll;
    struct sockaddr_in server;
    client_conn *conns;
    size_t active;
    size_t idle;
    size_t running; /* Connections that wait for an answer. */
    bool closes;    /* Each request has its own connection. */
    unsigned per_unit;
    const char *out;
    size_t out_length;
    const char *expected;
    size_t expected_length;
    uint64_t units_left;
    uint64_t end_ns;
    uint32_t opened;
    histogram latency_ns;
} client;

static char received_bytes[RECEIVE_BYTES];

static void fail(const char *what)
{
    fprintf(stderr, "bench_client: %s: %s\n", what, errno != 0 ? strerror(errno) : "no answer");
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * UINT64_C(1000000000) + (uint64_t)at.tv_nsec;
}

/* --- connecting ------------------------------------------------------------------------------ */

/* One address has 28,000 ports, and those that were used rest for a minute: so clients come from
 * 240 addresses in turn. The port is picked when connecting, where it need only be free for this
 * pair of addresses (IP_BIND_ADDRESS_NO_PORT, ip(7)). */
static int conn_open(client *self, int flags)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    from.sin_addr.s_addr = htonl(0x7F000101u + self->opened++ % 240);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
        fail("no socket");
    if (connect(fd, (struct sockaddr *)&self->server, sizeof self->server) != 0 &&
        errno != EINPROGRESS)
        fail("connect");
    return fd;
}

/* Edge-triggered and for both directions: nothing is ever changed again. */
static void conn_watch(client *self, client_conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = conn};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        fail("epoll_ctl");
}

static void conn_connect(client *self, client_conn *conn)
{
    conn->fd = conn_open(self, SOCK_NONBLOCK);
    conn_watch(self, conn);
}

/* --- units ----------------------------------------------------------------------------------- */

static void unit_send(client *self, client_conn *conn)
{
    while (conn->sent < self->out_length) {
        ssize_t sent =
            send(conn->fd, self->out + conn->sent, self->out_length - conn->sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return; /* Or it is still connecting. */
        if (sent < 0)
            fail("send");
        conn->sent += (size_t)sent;
    }
}

static void unit_start(client *self, client_conn *conn, uint64_t at_ns)
{
    conn->sent = 0;
    conn->received = 0;
    conn->start_ns = at_ns;
    self->running++;
    if (self->closes)
        conn_connect(self, conn);
    unit_send(self, conn);
}

static void unit_end(client *self, client_conn *conn)
{
    uint64_t at_ns = now_ns();
    histogram_record(&self->latency_ns, at_ns - conn->start_ns);
    self->running--;
    if (self->closes) {
        (void)close(conn->fd);
        conn->fd = -1;
    }
    if (self->units_left > 0 && at_ns < self->end_ns) {
        self->units_left--;
        unit_start(self, conn, at_ns);
    }
}

/* What came must be what was expected, and no more. */
static void conn_receive(client *self, client_conn *conn)
{
    for (;;) {
        ssize_t length = recv(conn->fd, received_bytes, sizeof received_bytes, 0);
        if (length < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return;
        if (length <= 0)
            fail("the server hung up");
        if ((size_t)length > self->expected_length - conn->received ||
            memcmp(received_bytes, self->expected + conn->received, (size_t)length) != 0) {
            errno = EBADMSG;
            fail("a wrong answer");
        }
        conn->received += (size_t)length;
        if (conn->received == self->expected_length) {
            unit_end(self, conn);
            return;
        }
        if ((size_t)length < sizeof received_bytes)
            return; /* There is no more, or its coming is another edge. */
    }
}

/* Until every answer has come. */
static void answers_await(client *self)
{
    struct epoll_event events[EVENTS_MAX];
    while (self->running > 0) {
        int count = epoll_wait(self->epoll, events, EVENTS_MAX, PATIENCE_MS);
        errno = count == 0 ? 0 : errno;
        if (count == 0)
            fail("the server is silent");
        for (int i = 0; i < count; i++) {
            client_conn *conn = events[i].data.ptr;
            if (conn->sent < self->out_length)
                unit_send(self, conn);
            conn_receive(self, conn);
        }
    }
}

static void one_run(client *self)
{
    self->units_left = 0;
    unit_start(self, &self->conns[0], now_ns());
    answers_await(self);
}

static void run(client *self, uint64_t units, double seconds)
{
    uint64_t start_ns = now_ns();
    self->end_ns = seconds > 0 ? start_ns + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    self->units_left = units;
    self->latency_ns = (histogram){0};
    for (size_t i = 0; i < self->active && self->units_left > 0; i++) {
        self->units_left--;
        unit_start(self, &self->conns[i], now_ns());
    }
    answers_await(self);
    const histogram *latency = &self->latency_ns;
    uint64_t requests = latency->count * self->per_unit;
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"p50_us\": %.2f, \"p90_us\": %.2f, "
           "\"p99_us\": %.2f, \"p999_us\": %.2f, \"max_us\": %.2f}\n",
           (unsigned long long)requests, (double)(now_ns() - start_ns) / 1e9,
           (double)histogram_quantile(latency, 50000) / 1e3,
           (double)histogram_quantile(latency, 90000) / 1e3,
           (double)histogram_quantile(latency, 99000) / 1e3,
           (double)histogram_quantile(latency, 99900) / 1e3, (double)latency->largest / 1e3);
}

/* --- idle connections ------------------------------------------------------------------------ */

/* Each is connected when this returns; that the server has accepted those before is told by its
 * answering a connection that stands, so that its backlog is never full. */
static void idle_add(client *self, size_t count)
{
    for (size_t i = self->idle; i < count; i++) {
        (void)conn_open(self, 0);
        if (i % IDLE_BATCH == IDLE_BATCH - 1)
            one_run(self);
    }
    self->idle = count > self->idle ? count : self->idle;
    printf("{\"idle\": %zu}\n", self->idle);
}

/* --- the program ----------------------------------------------------------------------------- */

static void bytes_init(client *self, bool is_echo, size_t unit)
{
    size_t length = is_echo ? unit : unit * (sizeof(BENCH_REQUEST) - 1);
    char *out = malloc(length);
    if (out == NULL)
        fail("memory");
    for (size_t i = 0; i < length; i++)
        out[i] = is_echo ? (char)(i * 7 + i / 251) : BENCH_REQUEST[i % (sizeof(BENCH_REQUEST) - 1)];
    self->out = out;
    self->out_length = length;
    self->per_unit = is_echo ? 1 : (unsigned)unit;
    self->expected = is_echo ? out : bench_responses;
    self->expected_length = is_echo ? unit : unit * BENCH_RESPONSE_BYTES;
}

static void obey(client *self)
{
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned long long count;
        double seconds;
        if (sscanf(line, "idle %llu", &count) == 1)
            idle_add(self, (size_t)count);
        else if (sscanf(line, "seconds %lf", &seconds) == 1)
            run(self, UINT64_MAX, seconds);
        else if (sscanf(line, "requests %llu", &count) == 1)
            run(self, (count + self->per_unit - 1) / self->per_unit, 0);
        else
            exit(2);
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static client self;
    struct rlimit limit;
    size_t unit = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    bool is_echo = argc == 5 && strcmp(argv[3], "echo") == 0;
    if (unit == 0 || unit > (is_echo ? UNIT_MAX : BENCH_RESPONSES_MAX / 2)) {
        fprintf(stderr, "usage: bench_client PORT ACTIVE http|echo|close UNIT\n");
        return 2;
    }
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    bench_responses_init();
    bytes_init(&self, is_echo, unit);
    self.closes = strcmp(argv[3], "close") == 0;
    self.active = strtoul(argv[2], NULL, 10);
    self.conns = calloc(self.active, sizeof *self.conns);
    self.epoll = epoll_create1(EPOLL_CLOEXEC);
    self.server = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (self.conns == NULL || self.epoll < 0)
        fail("memory");
    for (size_t i = 0; i < self.active; i++) {
        self.conns[i].sent = self.out_length; /* Nothing to send before a unit starts. */
        if (!self.closes)
            conn_connect(&self, &self.conns[i]);
    }
    obey(&self);
    return 0;
}
