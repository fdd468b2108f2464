/* core/accept_condition.c - whether a listener lets a peer in, by the addresses alone.
 *
 * The system may ask before it completes the connection; otherwise the accepted socket tells the
 * addresses.
 */
#include "core/listener.h"

static void address_text(char *text, size_t size, const plx__address *address)
{
    if (address->family == PLX__FAMILY_NONE || plx__address_print(address, text, size) != 0)
        text[0] = '\0';
}

static bool peer_admitted(const plx__listener *listener, const plx__address *peer,
                          const plx__address *own)
{
    char peer_text[PLX_ADDRESS_TEXT_MAX], own_text[PLX_ADDRESS_TEXT_MAX];
    address_text(peer_text, sizeof peer_text, peer);
    address_text(own_text, sizeof own_text, own);
    return listener->on_peer(listener->data, peer_text, own_text) == 0;
}

static bool condition_admits(plx__accept_condition *condition, const plx__address *peer,
                             const plx__address *own)
{
    const plx__listener *listener =
        (plx__listener *)(void *)((unsigned char *)condition - offsetof(plx__listener, condition));
    return peer_admitted(listener, peer, own);
}

void plx__listener_condition_open(plx__listener *listener)
{
    listener->condition.listener = listener->object.endpoint.socket;
    listener->condition.admits = condition_admits;
    plx__accept_condition_add(&listener->condition);
}

bool plx__listener_admits(const plx_loop *loop, plx__listener *listener, plx_socket accepted)
{
    plx__address peer = {0}, own = {0};
    bool was_asked = listener->condition.was_asked;
    listener->condition.was_asked = false;
    if (was_asked)
        return true;
    (void)loop->host->peer(accepted, &peer);
    (void)loop->host->name(accepted, &own);
    return peer_admitted(listener, &peer, &own);
}
