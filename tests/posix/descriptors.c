/* tests/posix/descriptors.c - numbers, dup, flags, files, streams, names. */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char bytes[4096];

static void numbers(void)
{
    int fds[2];
    section("the lowest free number");
    for (int fd = 3; fd < 256; fd++)
        (void)close(fd); /* What the one who started this left open. */
    int first = open("/dev/null", O_RDONLY);
    int second = socket(AF_INET, SOCK_STREAM, 0);
    IS(second, first + 1);
    IS(pipe(fds), 0);
    IS(fds[0], first + 2);
    IS(fds[1], first + 3);
    IS(close(second), 0);
    IS(dup(first), second);
    IS(close(first), 0);
    IS(socket(AF_INET, SOCK_DGRAM, 0), first);
    IS(dup2(fds[0], first + 10), first + 10);
    IS(dup(fds[1]), first + 4);
    IS(fcntl(fds[0], F_DUPFD, first + 10), first + 11);
    IS(fcntl(fds[0], F_DUPFD_CLOEXEC, first + 20), first + 20);
    IS(fcntl(first + 20, F_GETFD), FD_CLOEXEC);
    IS(fcntl(first + 11, F_GETFD), 0);
    IS(dup3(fds[0], first + 21, O_CLOEXEC), first + 21);
    IS(fcntl(first + 21, F_GETFD), FD_CLOEXEC);
    FAILS(dup3(fds[0], fds[0], 0), EINVAL);
    IS(dup2(fds[0], fds[0]), fds[0]);
    FAILS(dup2(fds[0], -1), EBADF);
    FAILS(dup2(fds[0], 1 << 30), EBADF);
    FILE *stream = fopen("/dev/null", "r");
    IS(fileno(stream), first + 5);
    IS(open("/dev/null", O_WRONLY), first + 6);
    IS(fclose(stream), 0);
    IS(open("/dev/null", O_WRONLY), first + 5);
    for (int fd = first; fd <= first + 21; fd++)
        (void)close(fd);
}

static void shared(void)
{
    char name[] = "/tmp/pollux-XXXXXX";
    section("what dup shares");
    int fd = mkstemp(name);
    int copy = dup(fd);
    IS(write(fd, "abcdef", 6), 6);
    IS(lseek(copy, 0, SEEK_CUR), 6);
    IS(lseek(copy, 1, SEEK_SET), 1);
    IS(read(fd, bytes, 2), 2);
    IS(memcmp(bytes, "bc", 2), 0);
    IS(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND), 0);
    TRUE((fcntl(copy, F_GETFL) & (O_NONBLOCK | O_APPEND)) == (O_NONBLOCK | O_APPEND));
    IS(fcntl(copy, F_GETFL) & O_ACCMODE, O_RDWR);
    IS(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
    IS(fcntl(copy, F_GETFD), 0);
    IS(lseek(fd, 0, SEEK_SET), 0);
    IS(write(copy, "gh", 2), 2); /* At the end. */
    IS(lseek(fd, 0, SEEK_CUR), 8);
    IS(pread(fd, bytes, 3, 1), 3);
    IS(memcmp(bytes, "bcd", 3), 0);
    IS(lseek(fd, 0, SEEK_CUR), 8);
    IS(close(fd), 0);
    IS(pread(copy, bytes, 100, 0), 8);
    struct stat about;
    IS(fstat(copy, &about), 0);
    IS(about.st_size, 8);
    TRUE(S_ISREG(about.st_mode));
    IS(ftruncate(copy, 3), 0);
    IS(stat(name, &about), 0);
    IS(about.st_size, 3);
    TRUE(about.st_mtim.tv_sec > 1000000000);
    IS(close(copy), 0);
    IS(unlink(name), 0);
    FAILS(unlink(name), ENOENT);
    FAILS(stat(name, &about), ENOENT);
    FAILS(open(name, O_RDONLY), ENOENT);
}

static void files(void)
{
    char name[] = "/tmp/pollux-XXXXXX";
    char inside[64];
    struct stat about;
    section("files and directories");
    TRUE(mkdtemp(name) == name);
    IS(stat(name, &about), 0);
    TRUE(S_ISDIR(about.st_mode));
    (void)snprintf(inside, sizeof inside, "%s/file", name);
    int fd = open(inside, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FAILS(open(inside, O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(read(fd, bytes, 1), EBADF);
    IS(write(fd, "line one\nline two\n", 18), 18);
    IS(close(fd), 0);
    FAILS(rmdir(name), ENOTEMPTY);
    FAILS(mkdir(name, 0700), EEXIST);
    FAILS(open(name, O_WRONLY), EISDIR);
    FAILS(unlink(name), EISDIR);
    FAILS(open("", O_RDONLY), ENOENT);
    IS(access(inside, R_OK | W_OK), 0);
    FAILS(access("/tmp/pollux-no-such-thing", F_OK), ENOENT);
    FILE *stream = fopen(inside, "r");
    char *line = NULL;
    size_t size = 0;
    IS(getline(&line, &size, stream), 9);
    IS(getline(&line, &size, stream), 9);
    check_text(line, "line two\n", "the second line");
    IS(getline(&line, &size, stream), -1);
    free(line);
    IS(fclose(stream), 0);
    fd = open(inside, O_RDWR | O_APPEND);
    stream = fdopen(fd, "a+");
    IS(fileno(stream), fd);
    IS(fprintf(stream, "three\n"), 6);
    IS(fclose(stream), 0);
    FAILS(close(fd), EBADF);
    IS(stat(inside, &about), 0);
    IS(about.st_size, 24);
    IS(truncate(inside, 5), 0);
    char moved[70];
    (void)snprintf(moved, sizeof moved, "%s2", inside);
    IS(rename(inside, moved), 0);
    FAILS(stat(inside, &about), ENOENT);
    IS(remove(moved), 0);
    IS(rmdir(name), 0);
}

static void sockets_by_path(void)
{
    struct sockaddr_un address;
    struct sockaddr_un seen;
    struct stat about;
    socklen_t length = sizeof seen;
    char path[] = "/tmp/pollux-XXXXXX";
    section("AF_UNIX");
    (void)close(mkstemp(path));
    (void)unlink(path);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    FAILS(connect(client, (struct sockaddr *)&address, sizeof address), ENOENT);
    IS(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    IS(lstat(path, &about), 0);
    TRUE(S_ISSOCK(about.st_mode));
    FAILS(connect(client, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
    IS(listen(listener, 5), 0);
    FAILS(bind(client, (struct sockaddr *)&address, sizeof address), EADDRINUSE);
    IS(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    FAILS(connect(client, (struct sockaddr *)&address, sizeof address), EISCONN);
    int served = accept(listener, (struct sockaddr *)&seen, &length);
    TRUE(served >= 0);
    IS(length, sizeof(sa_family_t)); /* A client without a name. */
    IS(seen.sun_family, AF_UNIX);
    length = sizeof seen;
    IS(getpeername(client, (struct sockaddr *)&seen, &length), 0);
    IS(strcmp(seen.sun_path, path), 0);
    length = sizeof seen;
    IS(getsockname(served, (struct sockaddr *)&seen, &length), 0);
    IS(strcmp(seen.sun_path, path), 0);
    IS(send(client, "hello", 5, 0), 5);
    IS(recv(served, bytes, sizeof bytes, 0), 5);
    IS(write(served, "you too", 7), 7);
    IS(recv(client, bytes, 7, MSG_WAITALL), 7);
    IS(close(client), 0);
    IS(read(served, bytes, 1), 0);
    IS(close(served), 0);
    IS(close(listener), 0);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    FAILS(connect(client, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
    IS(close(client), 0);
    IS(unlink(path), 0);
}

/* What is listed for a type and a protocol, as "1/6 2/17". */
static void sorts(int socktype, int protocol, const char *service, const char *wanted)
{
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    char text[64] = "";
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = socktype;
    hints.ai_protocol = protocol;
    int code = getaddrinfo("1.2.3.4", service, &hints, &list);
    for (const struct addrinfo *at = list; code == 0 && at != NULL; at = at->ai_next) {
        size_t length = strlen(text);
        (void)snprintf(text + length, sizeof text - length, " %d/%d", at->ai_socktype,
                       at->ai_protocol);
    }
    check_text(code == 0 ? text : gai_strerror(code), wanted, "sorts");
    if (code == 0)
        freeaddrinfo(list);
}

static void all_sorts(void)
{
    static const char unknown_type[] = "ai_socktype not supported";
    static const char unknown_service[] = "Servname not supported for ai_socktype";
    section("types and protocols");
    sorts(0, 0, "80", " 1/6 2/17 3/0");
    sorts(0, IPPROTO_TCP, "80", " 1/6");
    sorts(0, IPPROTO_UDP, "80", " 2/17");
    sorts(0, IPPROTO_ICMP, NULL, " 3/1");
    sorts(0, IPPROTO_ICMP, "80", unknown_service);
    sorts(SOCK_STREAM, 0, "80", " 1/6");
    sorts(SOCK_STREAM, IPPROTO_UDP, "80", unknown_type);
    sorts(SOCK_DGRAM, IPPROTO_UDP, NULL, " 2/17");
    sorts(SOCK_DGRAM, IPPROTO_TCP, NULL, unknown_type);
    sorts(SOCK_RAW, 0, NULL, " 3/0");
    sorts(SOCK_RAW, IPPROTO_TCP, NULL, " 3/6");
    sorts(SOCK_RAW, 0, "80", unknown_service);
}

static void names(void)
{
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    char host[64];
    char service[16];
    unsigned char raw[16];
    struct in_addr address;
    section("names and addresses");
    memset(&hints, 0, sizeof hints);
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    IS(getaddrinfo("127.0.0.1", "80", &hints, &list), 0);
    IS(list->ai_family, AF_INET);
    IS(list->ai_socktype, SOCK_STREAM);
    IS(list->ai_protocol, IPPROTO_TCP);
    IS(list->ai_addrlen, sizeof(struct sockaddr_in));
    IS(((struct sockaddr_in *)(void *)list->ai_addr)->sin_port, htons(80));
    TRUE(list->ai_next == NULL);
    IS(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof host, service, sizeof service,
                   NI_NUMERICHOST | NI_NUMERICSERV),
       0);
    check_text(host, "127.0.0.1", "host");
    check_text(service, "80", "service");
    IS(getnameinfo(list->ai_addr, list->ai_addrlen, host, 3, NULL, 0, NI_NUMERICHOST),
       EAI_OVERFLOW);
    freeaddrinfo(list);
    IS(getaddrinfo(NULL, NULL, &hints, &list), EAI_NONAME);
    IS(getaddrinfo("no number", "80", &hints, &list), EAI_NONAME);
    hints.ai_family = 9999;
    IS(getaddrinfo("127.0.0.1", "80", &hints, &list), EAI_FAMILY);
    hints.ai_family = AF_INET;
    hints.ai_flags = 0x40000000;
    IS(getaddrinfo("127.0.0.1", "80", &hints, &list), EAI_BADFLAGS);
    hints.ai_flags = AI_PASSIVE;
    hints.ai_socktype = 0;
    IS(getaddrinfo(NULL, "7", &hints, &list), 0);
    int count = 0;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        count++;
    IS(count, 3);
    IS(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr, INADDR_ANY);
    freeaddrinfo(list);
    check_text(gai_strerror(EAI_NONAME), "Name or service not known", "gai_strerror");
    IS(inet_pton(AF_INET, "1.2.3.4", raw), 1);
    IS(inet_pton(AF_INET, "1.2.3", raw), 0);
    IS(inet_pton(AF_INET, "1.2.3.256", raw), 0);
    IS(inet_pton(AF_INET6, "fe80::1%1", raw), 0);
    IS(inet_pton(AF_INET6, "::ffff:1.2.3.4", raw), 1);
    FAILS(inet_pton(9999, "1.2.3.4", raw), EAFNOSUPPORT);
    TRUE(inet_ntop(AF_INET6, raw, host, sizeof host) == host);
    check_text(host, "::ffff:1.2.3.4", "inet_ntop");
    TRUE(inet_ntop(AF_INET, raw, host, 3) == NULL);
    IS(errno, ENOSPC);
    IS(inet_aton("0x7f.1", &address), 1);
    IS(address.s_addr, htonl(INADDR_LOOPBACK));
    IS(inet_aton("1.2.3.4.5", &address), 0);
    IS(inet_aton("256.1.1.1", &address), 0);
    TRUE(inet_addr("nonsense") == INADDR_NONE);
    check_text(inet_ntoa((struct in_addr){.s_addr = htonl(0x01020304)}), "1.2.3.4", "inet_ntoa");
    struct hostent *found = gethostbyname("127.0.0.1");
    TRUE(found != NULL && found->h_length == 4 && found->h_addrtype == AF_INET);
    TRUE(gethostbyname("no.such.host.invalid") == NULL);
}

/* The same with the answer in the caller's memory. */
static void hosts(void)
{
    enum { SIZE = 1000 };
    _Alignas(16) char room[SIZE + 1];
    char *odd = room + IS_WINDOWS; /* There it need not be aligned. */
    struct hostent entry, *found = &entry;
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    int error = 99;
    section("hosts");
    IS(gethostbyname_r("127.0.0.1", &entry, odd, SIZE, &found, &error), 0);
    TRUE(found == &entry && error == 0);
    TRUE(entry.h_length == 4 && entry.h_addrtype == AF_INET);
    check_text(entry.h_name, "127.0.0.1", "its name");
    TRUE(memcmp(entry.h_addr_list[0], &loopback, 4) == 0);
    TRUE(entry.h_addr_list[1] == NULL && entry.h_aliases[0] == NULL);
    TRUE(entry.h_addr_list[0] >= odd && entry.h_addr_list[0] < odd + SIZE);
    IS(gethostbyname2_r("::1", AF_INET6, &entry, odd, SIZE, &found, &error), 0);
    TRUE(found == &entry && entry.h_length == 16 && entry.h_addrtype == AF_INET6);
    IS(gethostbyaddr_r(&loopback, 4, AF_INET, &entry, odd, SIZE, &found, &error), 0);
    TRUE(found == &entry && entry.h_name[0] != '\0');
    TRUE(memcmp(entry.h_addr_list[0], &loopback, 4) == 0);
    IS(gethostbyaddr_r(&loopback, 4, AF_INET, &entry, odd, 8, &found, &error), ERANGE);
    TRUE(found == NULL);
    IS(error, -1); /* NETDB_INTERNAL */
    TRUE(gethostbyaddr_r(&loopback, 3, AF_INET, &entry, odd, SIZE, &found, &error) == EAFNOSUPPORT);
    TRUE(gethostbyname2_r("localhost", 99, &entry, odd, SIZE, &found, &error) == EAFNOSUPPORT);
    found = &entry;
    (void)gethostbyname_r("no.such.host.invalid", &entry, odd, SIZE, &found, &error);
    TRUE(found == NULL && error > 0);
}

static void texts(void)
{
    static const int codes[] = {0,         EPERM,      EBADF,        EAGAIN,       EINVAL,
                                EPIPE,     ENOTSOCK,   EADDRINUSE,   ECONNREFUSED, ECONNRESET,
                                ETIMEDOUT, EALREADY,   EINPROGRESS,  EAFNOSUPPORT, EHOSTUNREACH,
                                EISCONN,   ENOTCONN,   ESHUTDOWN,    EDQUOT,       ESTALE,
                                EMSGSIZE,  EOVERFLOW,  ECANCELED,    EPROTO,       EILSEQ,
                                ENOBUFS,   EOPNOTSUPP, EDESTADDRREQ, ENAMETOOLONG, ENOSYS};
    char text[64];
    section("strerror");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        printf("   %s\n", strerror(codes[i]));
    check_text(strerror(ECONNREFUSED), "Connection refused", "strerror");
    check_text(strerror(ESOCKTNOSUPPORT), "Socket type not supported", "strerror");
    check_text(strerror(99999), "Unknown error 99999", "strerror");
    const char *kept = strerror(99999);
    errno = 77777;
    perror("descriptors"); /* Goes where nobody compares it. */
    check_text(kept, "Unknown error 99999", "strerror after perror");
    TRUE(EWOULDBLOCK == EAGAIN);
    section("texts");
    char parts[] = "a,b,,c";
    char *rest = parts;
    check_text(strsep(&rest, ","), "a", "strsep");
    check_text(strsep(&rest, ","), "b", "strsep");
    check_text(strsep(&rest, ","), "", "strsep");
    check_text(strsep(&rest, ","), "c", "strsep");
    TRUE(rest == NULL);
    IS(strcasecmp("Hello", "hELLO"), 0);
    IS(strncasecmp("Hello", "hELp", 3), 0);
    char *copy = strndup("abcdef", 3);
    check_text(copy, "abc", "strndup");
    free(copy);
    time_t when = 1000000000;
    struct tm parts_of;
    TRUE(gmtime_r(&when, &parts_of) == &parts_of);
    IS(parts_of.tm_year, 101);
    IS(timegm(&parts_of), 1000000000);
    IS(setenv("POLLUX_TEST_X", "1", 0), 0);
    IS(setenv("POLLUX_TEST_X", "2", 0), 0);
    check_text(getenv("POLLUX_TEST_X"), "1", "getenv");
    IS(unsetenv("POLLUX_TEST_X"), 0);
    TRUE(getenv("POLLUX_TEST_X") == NULL);
    FAILS(setenv("A=B", "1", 1), EINVAL);
    (void)snprintf(text, sizeof text, "%zu %lld", SIZE_MAX, 1LL << 40);
    check_text(text,
               sizeof(size_t) == 4 ? "4294967295 1099511627776"
                                   : "18446744073709551615 1099511627776",
               "printf");
}

int main(void)
{
    numbers();
    shared();
    files();
    sockets_by_path();
    names();
    hosts();
    all_sorts();
    texts();
    return check_end();
}
