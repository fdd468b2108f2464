/* tests/posix/name_server.c - see name_server.h. Its messages are by RFC 1035, 4.1; some are wrong
 * on purpose. It uses nothing of the resolver's.
 */
#include "name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { SERVERS = 3, HEADER_SIZE = 12, ROOM = 4096 };
enum { A = 1, MX = 15, TXT = 16, SRV = 33 };

typedef struct question {
    const unsigned char *bytes;
    int length;
    int end; /* Of the question itself. */
    char name[256];
    int type;
    bool is_stream;
    int server;
    int times; /* That it was asked, with this one. */
} question;

typedef struct reply {
    unsigned char bytes[ROOM];
    int length;
} reply;

static struct {
    int datagrams[SERVERS];
    int listeners[SERVERS];
    int stop[2];
    pthread_t thread;
    pthread_mutex_t lock; /* Over the rest. */
    char asked[1024];
    char told[1024];
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- messages ---------------------------------------------------------------------------------
 */

static void put(reply *to, const void *bytes, int count)
{
    memcpy(to->bytes + to->length, bytes, (size_t)count);
    to->length += count;
}

static void put16(reply *to, int value)
{
    const unsigned char bytes[2] = {(unsigned char)(value >> 8), (unsigned char)value};
    put(to, bytes, 2);
}

static int get16(const unsigned char *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

/* A record of the name that was asked about, with these data. */
static void record_put(reply *to, int type, const void *data, int count)
{
    put16(to, 0xc000 | HEADER_SIZE);
    put16(to, type);
    put16(to, 1);
    put16(to, 0);
    put16(to, 300);
    put16(to, count);
    put(to, data, count);
    to->bytes[7]++;
}

static bool question_read(question *of)
{
    int at = HEADER_SIZE;
    size_t length = 0;
    if (of->length < HEADER_SIZE + 5)
        return false;
    while (at < of->length && of->bytes[at] != 0) {
        const int count = of->bytes[at++];
        if (count > 63 || at + count >= of->length || length + (size_t)count + 2 > sizeof of->name)
            return false;
        if (length > 0)
            of->name[length++] = '.';
        memcpy(of->name + length, of->bytes + at, (size_t)count);
        length += (size_t)count;
        at += count;
    }
    of->name[length] = '\0';
    of->end = at + 5;
    if (of->end > of->length)
        return false;
    of->type = get16(of->bytes + at + 1);
    return true;
}

/* --- what it answers --------------------------------------------------------------------------
 */

static void code_set(reply *to, int code)
{
    to->bytes[3] = (unsigned char)((to->bytes[3] & 0xf0) | code);
}

static void a_fill(const question *asked, reply *to)
{
    const unsigned char address[4] = {192, 0, 2, (unsigned char)(asked->server + 1)};
    record_put(to, A, address, 4);
}

/* How it was asked: with an extension of 11 bytes, whose flags are the last but two. */
static void extension_fill(const question *asked, reply *to)
{
    const bool has_one = asked->bytes[11] == 1 && asked->length == asked->end + 11;
    const unsigned char *at = asked->bytes + asked->end;
    const unsigned char seen[4] = {has_one, has_one ? at[2] : 0, has_one && get16(at + 3) >= 512,
                                   has_one ? at[7] : 0};
    record_put(to, A, seen, 4);
}

static void mx_fill(const question *asked, reply *to)
{
    const int domain = 0xc000 | (HEADER_SIZE + 1 + asked->bytes[HEADER_SIZE]);
    unsigned char data[] = {
        0, 10, 4, 'm', 'a', 'i', 'l', (unsigned char)(domain >> 8), (unsigned char)domain};
    record_put(to, MX, data, sizeof data);
    data[1] = 20;
    data[3] = 'n';
    record_put(to, MX, data, sizeof data);
}

static void txt_fill(const question *asked, reply *to)
{
    (void)asked;
    record_put(to, TXT, "\5hello\0\6world!", 14);
}

static void srv_fill(const question *asked, reply *to)
{
    (void)asked;
    record_put(to, SRV, "\0\1\0\2\24\146\4chat\7example\4test", 25);
}

/* More than a datagram has room for; what is cut off has a record, too. */
static void big_fill(const question *asked, reply *to)
{
    char text[200];
    memset(text, 'x', sizeof text);
    text[0] = (char)(sizeof text - 1);
    for (int i = 0; i < (asked->is_stream ? 10 : 1); i++)
        record_put(to, TXT, text, sizeof text);
    if (!asked->is_stream)
        to->bytes[2] |= 2;
}

/* The record's name is a pointer to itself, or two that point to each other, or out of the message.
 */
static void loop_fill(const question *asked, reply *to)
{
    const int at = to->length;
    a_fill(asked, to);
    to->bytes[at] = (unsigned char)(0xc0 | at >> 8);
    to->bytes[at + 1] = (unsigned char)at;
}

static void circle_fill(const question *asked, reply *to)
{
    const int at = to->length;
    a_fill(asked, to);
    to->bytes[at] = (unsigned char)(0xc0 | (at + 12) >> 8);
    to->bytes[at + 1] = (unsigned char)(at + 12);
    to->bytes[at + 12] = (unsigned char)(0xc0 | at >> 8);
    to->bytes[at + 13] = (unsigned char)at;
}

static void outside_fill(const question *asked, reply *to)
{
    const int at = to->length;
    a_fill(asked, to);
    to->bytes[at] = 0xff;
    to->bytes[at + 1] = 0xff;
}

static void beyond_fill(const question *asked, reply *to)
{
    a_fill(asked, to);
    to->bytes[to->length - 5] = 200; /* The length of its data. */
}

static void many_fill(const question *asked, reply *to)
{
    a_fill(asked, to);
    to->bytes[6] = to->bytes[7] = 0xff;
}

static void failing_fill(const question *asked, reply *to)
{
    if (asked->server == 0)
        code_set(to, 2);
    else
        a_fill(asked, to);
}

static void refused_fill(const question *asked, reply *to)
{
    (void)asked;
    code_set(to, 5);
}

/* Knows nothing, and asks nobody. */
static void lame_fill(const question *asked, reply *to)
{
    if (asked->server == 0)
        to->bytes[3] &= 0x7f;
    else
        a_fill(asked, to);
}

/* Does not know of extensions. */
static void old_fill(const question *asked, reply *to)
{
    if (asked->bytes[11] != 0)
        code_set(to, 1);
    else
        a_fill(asked, to);
}

static void empty_fill(const question *asked, reply *to)
{
    (void)asked;
    (void)to;
}

static const struct {
    const char *label;
    void (*fill)(const question *asked, reply *to);
} fills[] = {{"a", a_fill},
             {"mx", mx_fill},
             {"txt", txt_fill},
             {"_xmpp-client", srv_fill},
             {"empty", empty_fill},
             {"big", big_fill},
             {"hangup", big_fill},
             {"forged", a_fill},
             {"flood", a_fill},
             {"drip", a_fill},
             {"strange", a_fill},
             {"other", a_fill},
             {"late", a_fill},
             {"loop", loop_fill},
             {"circle", circle_fill},
             {"outside", outside_fill},
             {"beyond", beyond_fill},
             {"many", many_fill},
             {"failing", failing_fill},
             {"refused", refused_fill},
             {"lame", lame_fill},
             {"extension", extension_fill},
             {"old", old_fill}};

static bool label_is(const question *asked, const char *label)
{
    const size_t length = strcspn(asked->name, ".");
    return strlen(label) == length && memcmp(asked->name, label, length) == 0;
}

static void reply_make(const question *asked, reply *to)
{
    const char *domain = strchr(asked->name, '.');
    to->length = 0;
    put(to, asked->bytes, asked->end);
    to->bytes[2] |= 0x80;
    to->bytes[3] = 0x80;
    to->bytes[11] = 0;
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        if (label_is(asked, fills[i].label) && domain != NULL &&
            strcmp(domain, ".example.test") == 0) {
            fills[i].fill(asked, to);
            return;
        }
    }
    code_set(to, 3);
}

/* --- its life ---------------------------------------------------------------------------------
 */

static void asked_note(question *asked)
{
    char line[300];
    (void)pthread_mutex_lock(&all.lock);
    (void)snprintf(line, sizeof line, "%s%c%d:%s", all.asked[0] != '\0' ? " " : "",
                   asked->is_stream ? 't' : 'u', asked->server, asked->name);
    if (strlen(all.asked) + strlen(line) < sizeof all.asked)
        strcat(all.asked, line);
    asked->times = 0;
    for (const char *at = all.asked; (at = strstr(at, asked->name)) != NULL; at++)
        asked->times++;
    (void)pthread_mutex_unlock(&all.lock);
}

/* An answer that is not one: of another number, or to another question, of another name or type;
 * with another address. */
static void lie_make(const question *asked, const reply *truth, reply *lie)
{
    *lie = *truth;
    if (label_is(asked, "forged"))
        lie->bytes[0] ^= 0xff;
    else if (label_is(asked, "other"))
        lie->bytes[asked->end - 3] ^= 1;
    else
        lie->bytes[HEADER_SIZE + 1] ^= 1;
    lie->bytes[lie->length - 1] = 66;
}

/* Sends what is no answer until the program has asked what was asked; 20 s at the most. */
static void flood(int fd, const reply *lie, const struct sockaddr *to, socklen_t length)
{
    bool goes_on = true;
    for (int i = 0; i < 1000 && goes_on; i++) {
        (void)sendto(fd, lie->bytes, (size_t)lie->length, 0, to, length);
        (void)poll(NULL, 0, 20);
        (void)pthread_mutex_lock(&all.lock);
        goes_on = all.asked[0] != '\0';
        (void)pthread_mutex_unlock(&all.lock);
    }
}

static bool is_lied_to(const question *asked)
{
    return label_is(asked, "forged") || label_is(asked, "strange") || label_is(asked, "other");
}

static void datagram_serve(int server)
{
    unsigned char bytes[ROOM];
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    static reply truth;
    static reply lie;
    question asked = {.bytes = bytes, .server = server};
    asked.length = (int)recvfrom(all.datagrams[server], bytes, sizeof bytes, 0,
                                 (struct sockaddr *)&from, &length);
    if (!question_read(&asked))
        return;
    asked_note(&asked);
    if (label_is(&asked, "silent") || (label_is(&asked, "late") && asked.times == 1))
        return;
    reply_make(&asked, &truth);
    lie_make(&asked, &truth, &lie);
    if (label_is(&asked, "flood")) {
        flood(all.datagrams[server], &lie, (struct sockaddr *)&from, length);
        return;
    }
    if (is_lied_to(&asked)) {
        (void)sendto(all.datagrams[server], lie.bytes, (size_t)lie.length, 0,
                     (struct sockaddr *)&from, length);
    }
    (void)sendto(all.datagrams[server], truth.bytes, (size_t)truth.length, 0,
                 (struct sockaddr *)&from, length);
}

/* A byte in 100 ms, until the other end is gone. */
static void stream_drip(int fd, const reply *to)
{
    const unsigned char length[2] = {(unsigned char)(to->length >> 8), (unsigned char)to->length};
    bool is_heard = send(fd, length, 2, MSG_NOSIGNAL) == 2;
    for (int i = 0; i < to->length && is_heard; i++) {
        (void)poll(NULL, 0, 100);
        is_heard = send(fd, to->bytes + i, 1, MSG_NOSIGNAL) == 1;
    }
}

/* In two pieces, so that neither its length nor the message comes as a whole. */
static void stream_reply(int fd, const reply *to)
{
    const unsigned char high = (unsigned char)(to->length >> 8);
    const unsigned char low = (unsigned char)to->length;
    (void)send(fd, &high, 1, MSG_NOSIGNAL);
    (void)poll(NULL, 0, 20);
    (void)send(fd, &low, 1, MSG_NOSIGNAL);
    (void)send(fd, to->bytes, (size_t)to->length, MSG_NOSIGNAL);
}

static void stream_serve(int server)
{
    unsigned char bytes[ROOM];
    static reply truth;
    static reply lie;
    question asked = {.bytes = bytes + 2, .server = server, .is_stream = true};
    const int fd = accept(all.listeners[server], NULL, NULL);
    int got = 0;
    while (got < 2 || got < 2 + get16(bytes)) {
        const ssize_t more = recv(fd, bytes + got, sizeof bytes - (size_t)got, 0);
        if (more <= 0)
            break;
        got += (int)more;
    }
    asked.length = got - 2;
    if (got > 2 && question_read(&asked)) {
        asked_note(&asked);
        reply_make(&asked, &truth);
        if (is_lied_to(&asked)) {
            lie_make(&asked, &truth, &lie);
            stream_reply(fd, &lie);
        }
        if (label_is(&asked, "drip"))
            stream_drip(fd, &truth);
        else if (!label_is(&asked, "hangup"))
            stream_reply(fd, &truth);
    }
    (void)close(fd);
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        struct pollfd entries[2 * SERVERS + 1];
        for (int i = 0; i < SERVERS; i++) {
            entries[i] = (struct pollfd){.fd = all.datagrams[i], .events = POLLIN};
            entries[SERVERS + i] = (struct pollfd){.fd = all.listeners[i], .events = POLLIN};
        }
        entries[2 * SERVERS] = (struct pollfd){.fd = all.stop[0], .events = POLLIN};
        if (poll(entries, 2 * SERVERS + 1, -1) < 0 || entries[2 * SERVERS].revents != 0)
            return NULL;
        for (int i = 0; i < SERVERS; i++) {
            if (entries[i].revents != 0)
                datagram_serve(i);
            if (entries[SERVERS + i].revents != 0)
                stream_serve(i);
        }
    }
}

/* A datagram socket and a listener on the same port, which is what servers of names have. */
static unsigned short pair_open(int server)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET};
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_six = server == 2;
    struct sockaddr *address = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    const socklen_t size = is_six ? sizeof six : sizeof four;
    for (int i = 0; i < 100; i++) {
        socklen_t length = size;
        four.sin_port = six.sin6_port = 0;
        const int listener = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
        const int datagram = socket(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
        if (bind(listener, address, size) == 0 && getsockname(listener, address, &length) == 0 &&
            bind(datagram, address, size) == 0 && listen(listener, 8) == 0) {
            all.listeners[server] = listener;
            all.datagrams[server] = datagram;
            return ntohs(is_six ? six.sin6_port : four.sin_port);
        }
        (void)close(listener);
        (void)close(datagram);
    }
    all.listeners[server] = all.datagrams[server] = -1;
    return 0;
}

void servers_start(unsigned short ports_out[3])
{
    for (int i = 0; i < SERVERS; i++)
        ports_out[i] = pair_open(i);
    IS(pipe(all.stop), 0);
    IS(pthread_create(&all.thread, NULL, serve, NULL), 0);
}

void servers_stop(void)
{
    IS(write(all.stop[1], "", 1), 1);
    IS(pthread_join(all.thread, NULL), 0);
    for (int i = 0; i < SERVERS; i++) {
        (void)close(all.listeners[i]);
        (void)close(all.datagrams[i]);
    }
    (void)close(all.stop[0]);
    (void)close(all.stop[1]);
}

const char *servers_asked(void)
{
    (void)pthread_mutex_lock(&all.lock);
    memcpy(all.told, all.asked, sizeof all.told);
    all.asked[0] = '\0';
    (void)pthread_mutex_unlock(&all.lock);
    return all.told;
}
