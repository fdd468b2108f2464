/* platform/windows/accept_condition.c - listeners that decide before a connection is complete.
 *
 * WSAAccept() hands the addresses to a function of its caller's, and refuses the client if that
 * does; with SO_CONDITIONAL_ACCEPT, before the handshake has ended (Microsoft, "WSAAccept
 * function" and "SOL_SOCKET Socket Options"). Wine 8 accepts first, and closes what is refused.
 *
 * Whoever accepts has only the socket, so conditions are found by that. There are few of them, and
 * an accept of any other listener costs one look at their number.
 */
#include "platform/accept_condition.h"

#include <string.h>

#include "platform/os.h"

static SRWLOCK lock = SRWLOCK_INIT;
static plx__accept_condition *first; /* Under the lock. */
static plx__atomic_u32 count;

int plx__accept_condition_prepare(plx_socket socket)
{
    BOOL on = TRUE;
    return setsockopt(socket, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, (const char *)&on, sizeof on) == 0
               ? 0
               : plx__fail_last();
}

void plx__accept_condition_add(plx__accept_condition *condition)
{
    AcquireSRWLockExclusive(&lock);
    condition->next = first;
    first = condition;
    (void)plx__atomic_add(&count, 1);
    ReleaseSRWLockExclusive(&lock);
}

void plx__accept_condition_remove(plx__accept_condition *condition)
{
    AcquireSRWLockExclusive(&lock);
    for (plx__accept_condition **at = &first; *at != NULL; at = &(*at)->next) {
        if (*at != condition)
            continue;
        *at = condition->next;
        (void)plx__atomic_add(&count, UINT32_MAX);
        break;
    }
    ReleaseSRWLockExclusive(&lock);
}

static plx__accept_condition *condition_find(plx_socket listener)
{
    AcquireSRWLockShared(&lock);
    plx__accept_condition *condition = first;
    while (condition != NULL && condition->listener != listener)
        condition = condition->next;
    ReleaseSRWLockShared(&lock);
    return condition;
}

static void address_take(plx__address *address_out, const WSABUF *raw)
{
    *address_out = (plx__address){0};
    if (raw == NULL || raw->buf == NULL || raw->len < sizeof(ADDRESS_FAMILY) ||
        raw->len > sizeof address_out->storage.bytes)
        return;
    memcpy(address_out->storage.bytes, raw->buf, raw->len);
    (void)plx__address_family_read(address_out, (socklen_t)raw->len);
}

static int CALLBACK on_condition(LPWSABUF peer, LPWSABUF peer_data, LPQOS quality,
                                 LPQOS group_quality, LPWSABUF own, LPWSABUF own_data, GROUP *group,
                                 DWORD_PTR data)
{
    plx__accept_condition *condition = (plx__accept_condition *)data;
    plx__address peer_address, own_address;
    (void)peer_data;
    (void)quality;
    (void)group_quality;
    (void)own_data;
    (void)group;
    address_take(&peer_address, peer);
    address_take(&own_address, own);
    condition->was_asked = true;
    return condition->admits(condition, &peer_address, &own_address) ? CF_ACCEPT : CF_REJECT;
}

plx_socket plx__accept_condition_accept(plx_socket listener)
{
    plx__accept_condition *condition =
        plx__atomic_load_acquire(&count) > 0 ? condition_find(listener) : NULL;
    return condition != NULL ? WSAAccept(listener, NULL, NULL, on_condition, (DWORD_PTR)condition)
                             : accept(listener, NULL, NULL);
}
