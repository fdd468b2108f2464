/* tests/fuzz_couple.c - connects plain sockets with each other. */
#include "tests/fuzz_couple.h"

#include <stdio.h>

#include "tests/chance.h"
#include "tests/fuzz_peers.h"

enum { PATHS_MAX = 64 };

#ifdef __linux__
static const bool has_abstract_names = true;
#else
static const bool has_abstract_names = false;
#endif

#ifdef _WIN32
static const bool has_paths = false; /* Wine 8 has no Unix-domain sockets. */
#else
static const bool has_paths = true;
#endif

static char paths[PATHS_MAX][64];
static int path_count;

static bool listener_open(plx_socket *listener, plx__address *address, int small)
{
    if (plx__socket_open(listener, address->family) != 0 ||
        plx__socket_bind(*listener, address) != 0)
        return false;
    if (small != 0)
        (void)plx__socket_set(*listener, PLX__SOCKET_RECEIVE_BYTES, small);
    return plx__socket_listen(*listener, 1) == 0 && plx__socket_name(*listener, address) == 0;
}

static bool couple_connect(plx_socket couple[2], plx_socket listener, const plx__address *address)
{
    int status = plx__socket_open(&couple[0], address->family);
    if (status == 0)
        status = plx__socket_connect(couple[0], address);
    if (status != 0 && status != PLX_EAGAIN)
        return false;
    for (int tries = 0; tries < 100000; tries++) {
        if (plx__socket_accept(listener, &couple[1]) == 0)
            return true;
        plx__thread_yield();
    }
    return false;
}

bool fuzz_address_take(char *text, size_t size, uint64_t calls)
{
    static unsigned long long names;
    if ((one_in(2) || !has_abstract_names) && fuzz_port_take(calls)) {
        (void)snprintf(text, size, "tcp://127.0.0.1:0");
        return true;
    }
    (void)snprintf(text, size, "unix:@pollux-fuzz-%p-%llx-%llu", (void *)&names,
                   (unsigned long long)plx__clock_now(), ++names);
    return has_abstract_names;
}

void fuzz_path_take(char *text, size_t size)
{
    if (!has_paths || path_count == PATHS_MAX)
        return;
    char *path = paths[path_count];
    (void)snprintf(path, sizeof paths[0], "pollux-fuzz-%llx-%d.sock",
                   (unsigned long long)plx__clock_now(), path_count++);
    (void)snprintf(text, size, "unix:%s", path);
}

bool fuzz_paths_are_gone(void)
{
    bool are_gone = true;
    for (; path_count > 0; path_count--)
        are_gone = remove(paths[path_count - 1]) != 0 && are_gone;
    return are_gone;
}

bool fuzz_couple_open(plx_socket couple[2], int small, uint64_t calls)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx__address address;
    plx_socket listener = couple[0] = couple[1] = PLX_SOCKET_NONE;
    if (!fuzz_address_take(text, sizeof text, calls))
        return false;
    bool is_open = plx__address_parse(&address, text) == 0 &&
                   listener_open(&listener, &address, small) &&
                   couple_connect(couple, listener, &address);
    plx__socket_close(listener);
    for (int i = 0; i < 2 && is_open && small != 0; i++) {
        (void)plx__socket_set(couple[i], PLX__SOCKET_SEND_BYTES, small);
        (void)plx__socket_set(couple[i], PLX__SOCKET_RECEIVE_BYTES, small);
    }
    if (!is_open)
        plx__socket_close(couple[0]);
    return is_open;
}
