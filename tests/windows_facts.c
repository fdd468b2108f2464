/* tests/windows_facts.c - prints what this Windows, or Wine, does where it matters to Pollux.
 *
 *     windows_facts
 *
 * One line a fact: "confirmed", "refuted", or "untested", its id, the fact, and what was seen. It
 * ends with 0 whatever it finds; every wait is bounded. Nothing of Pollux is linked.
 */
#include "tests/windows_facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned confirmed, refuted, untested;

static void line_print(const char *verdict, const char *id, const char *text, const char *seen,
                       va_list arguments)
{
    printf("%-9s  %-12s  %s", verdict, id, text);
    if (seen != NULL) {
        fputs(": ", stdout);
        vprintf(seen, arguments);
    }
    putchar('\n');
    fflush(stdout);
}

void fact(const char *id, const char *text, bool is_so, const char *seen, ...)
{
    va_list arguments;
    va_start(arguments, seen);
    line_print(is_so ? "confirmed" : "refuted", id, text, seen, arguments);
    va_end(arguments);
    confirmed += is_so;
    refuted += !is_so;
}

void fact_untested(const char *id, const char *text, const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    line_print("untested", id, text, why, arguments);
    va_end(arguments);
    untested++;
}

/* --- sockets ---------------------------------------------------------------------------------
 */

SOCKET socket_made(int type)
{
    return WSASocketW(AF_INET, type, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
}

void socket_unblock(SOCKET socket)
{
    u_long on = 1;
    (void)ioctlsocket(socket, (long)FIONBIO, &on);
}

struct sockaddr_in name_of(SOCKET socket)
{
    struct sockaddr_in name;
    int length = sizeof name;
    memset(&name, 0, sizeof name);
    (void)getsockname(socket, (struct sockaddr *)&name, &length);
    return name;
}

SOCKET listener_open(struct sockaddr_in *name_out)
{
    SOCKET listener = socket_made(SOCK_STREAM);
    memset(name_out, 0, sizeof *name_out);
    name_out->sin_family = AF_INET;
    name_out->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)bind(listener, (struct sockaddr *)name_out, sizeof *name_out);
    (void)listen(listener, 8);
    *name_out = name_of(listener);
    return listener;
}

struct sockaddr_in name_of_nobody(void)
{
    struct sockaddr_in name;
    SOCKET listener = listener_open(&name);
    (void)closesocket(listener);
    return name;
}

facts_pair pair_open(void)
{
    struct sockaddr_in name;
    facts_pair pair;
    SOCKET listener = listener_open(&name);
    pair.ours = socket_made(SOCK_STREAM);
    (void)connect(pair.ours, (struct sockaddr *)&name, sizeof name);
    pair.theirs = accept(listener, NULL, NULL);
    (void)closesocket(listener);
    socket_unblock(pair.ours);
    socket_unblock(pair.theirs);
    return pair;
}

void pair_close(facts_pair *pair)
{
    (void)closesocket(pair->ours);
    (void)closesocket(pair->theirs);
}

void socket_reset(SOCKET socket)
{
    struct linger at_once = {1, 0};
    (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof at_once);
    (void)closesocket(socket);
}

size_t socket_fill(SOCKET socket)
{
    static char bytes[65536];
    size_t total = 0;
    for (int refused = 0; refused < 20 && total < ((size_t)256 << 20);) {
        int sent = send(socket, bytes, sizeof bytes, 0);
        if (sent > 0) {
            total += (size_t)sent;
            refused = 0;
        } else {
            refused++;
            Sleep(5); /* What is on its way makes room again. */
        }
    }
    return total;
}

int polled(SOCKET socket, SHORT events, INT timeout)
{
    WSAPOLLFD entry = {socket, events, 0};
    return WSAPoll(&entry, 1, timeout) < 0 ? -1 : entry.revents;
}

double milliseconds(void)
{
    LARGE_INTEGER now, each;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&each);
    return (double)now.QuadPart * 1000.0 / (double)each.QuadPart;
}

/* --- the system ------------------------------------------------------------------------------
 */

typedef LONG(WINAPI *get_version_fn)(OSVERSIONINFOW *);
typedef const char *(CDECL *wine_get_version_fn)(void);

static void system_print(void)
{
    OSVERSIONINFOW version;
    HMODULE library = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = GetProcAddress(library, "RtlGetVersion");
    FARPROC found_wine = GetProcAddress(library, "wine_get_version");
    get_version_fn get_version;
    wine_get_version_fn wine_get_version;
    memset(&version, 0, sizeof version);
    version.dwOSVersionInfoSize = sizeof version;
    memcpy(&get_version, &found, sizeof found);
    memcpy(&wine_get_version, &found_wine, sizeof found_wine);
    if (get_version != NULL)
        (void)get_version(&version);
    printf("windows_facts on Windows %lu.%lu build %lu%s%s\n",
           (unsigned long)version.dwMajorVersion, (unsigned long)version.dwMinorVersion,
           (unsigned long)version.dwBuildNumber, found_wine != NULL ? ", which is Wine " : "",
           found_wine != NULL ? wine_get_version() : "");
}

static DWORD WINAPI watchdog(void *unused)
{
    (void)unused;
    Sleep(180000);
    printf("windows_facts: the watchdog ended it after three minutes\n");
    fflush(stdout);
    (void)TerminateProcess(GetCurrentProcess(), 3);
    return 0;
}

int main(void)
{
    WSADATA about;
    if (WSAStartup(MAKEWORD(2, 2), &about) != 0)
        return 1;
    (void)CloseHandle(CreateThread(NULL, 0, watchdog, NULL, 0, NULL));
    system_print();
    facts_of_poll();
    facts_of_waits();
    facts_of_sends();
    facts_of_addresses();
    facts_of_ports();
    printf("windows_facts: %u confirmed, %u refuted, %u untested\n", confirmed, refuted, untested);
    (void)WSACleanup();
    return 0;
}
