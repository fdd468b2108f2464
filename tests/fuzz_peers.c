/* tests/fuzz_peers.c - peers that connect, talk, fall silent and break off, as chance has it. */
#include "tests/fuzz_peers.h"

#include <string.h>

#include "tests/chance.h"

enum { PEERS = 24 };

plx_socket fuzz_foreign[2];

static plx_socket peers[PEERS];
static uint64_t ports;

bool fuzz_port_take(uint64_t calls)
{
    return ports < 300 + calls / 4000 && ++ports > 0;
}

bool fuzz_port_take_for(const char *address, uint64_t calls)
{
    return strncmp(address, "unix:", 5) == 0 || fuzz_port_take(calls);
}

static void peer_connect(plx_socket *peer, const char *text, uint64_t calls)
{
    plx__address address;
    if (plx__address_parse(&address, text) != 0 || plx__socket_open(peer, address.family) != 0)
        *peer = PLX_SOCKET_NONE;
    else if (plx__socket_connect(*peer, &address) == PLX_EAGAIN && !fuzz_port_take_for(text, calls))
        (void)plx__socket_set(*peer, PLX__SOCKET_RESET_ON_CLOSE, 1);
}

void fuzz_peers_call(const char *address, unsigned char *bytes, size_t length, uint64_t calls)
{
    plx_socket *peer = &peers[chance_below(PEERS)];
    if (*peer == PLX_SOCKET_NONE) {
        peer_connect(peer, address, calls);
        return;
    }
    switch (chance_below(6)) {
    case 0:
        if (one_in(2))
            (void)plx__socket_set(*peer, PLX__SOCKET_RESET_ON_CLOSE, 1);
        plx__socket_close(*peer);
        *peer = PLX_SOCKET_NONE;
        break;
    case 1:
        if (fuzz_port_take(calls))
            (void)plx__socket_shutdown(*peer);
        break;
    case 2:
    case 3:
        (void)plx__socket_receive(*peer, bytes, length);
        break;
    default:
        (void)plx__socket_send(*peer, bytes, length);
        break;
    }
}

static bool foreign_open(void)
{
    plx__address any;
    plx_socket listener;
    if (plx__address_parse(&any, "tcp://127.0.0.1:0") != 0 ||
        plx__socket_open(&listener, any.family) != 0)
        return false;
    if (plx__socket_bind(listener, &any) != 0 || plx__socket_listen(listener, 1) != 0 ||
        plx__socket_name(listener, &any) != 0 ||
        plx__socket_open(&fuzz_foreign[0], any.family) != 0)
        return false;
    (void)plx__socket_connect(fuzz_foreign[0], &any);
    while (plx__socket_accept(listener, &fuzz_foreign[1]) != 0)
        continue;
    plx__socket_close(listener);
    return true;
}

bool fuzz_peers_open(void)
{
    for (int i = 0; i < PEERS; i++)
        peers[i] = PLX_SOCKET_NONE;
    return foreign_open();
}

void fuzz_peers_close(void)
{
    for (int i = 0; i < PEERS; i++) {
        plx__socket_close(peers[i]);
        peers[i] = PLX_SOCKET_NONE;
    }
    for (int i = 0; i < 2; i++)
        plx__socket_close(fuzz_foreign[i]);
}
