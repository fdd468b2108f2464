/* core/handover/sockets.c - lists of sockets with names. */
#include "core/handover/handover.h"

#include <pollux/conn.h>

#include <string.h>

_Static_assert(PLX_SOCKETS_MAX == PLX__PACKED_MAX, "a list fits a message");

#define ROOM_FIRST 4u

typedef struct entry {
    plx_socket socket;
    char name[PLX_SOCKET_NAME_MAX];
} entry;

struct plx_sockets {
    uint32_t count;
    uint32_t room;
    entry *entries;
};

int plx_sockets_open(plx_sockets **sockets_out)
{
    *sockets_out = plx__allocate_zeroed(1, sizeof **sockets_out);
    return *sockets_out != NULL ? 0 : PLX_ENOMEM;
}

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);
    if (length >= PLX_SOCKET_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 127)
            return false;
    }
    return true;
}

static int entries_reserve(plx_sockets *sockets)
{
    if (sockets->count < sockets->room)
        return 0;
    uint32_t room = plx__room_next(sockets->room, ROOM_FIRST);
    entry *entries = plx__reallocate(sockets->entries, room * sizeof *entries);
    if (entries == NULL)
        return PLX_ENOMEM;
    sockets->entries = entries;
    sockets->room = room;
    return 0;
}

int plx_sockets_add(plx_sockets *sockets, const char *name, plx_socket socket)
{
    if (!name_is_good(name))
        return PLX_EINVAL;
    if (sockets->count == PLX_SOCKETS_MAX)
        return PLX_ELIMIT;
    int status = entries_reserve(sockets);
    if (status != 0)
        return status;
    entry *added = &sockets->entries[sockets->count++];
    added->socket = socket;
    memcpy(added->name, name, strlen(name) + 1);
    return 0;
}

uint32_t plx_sockets_count(const plx_sockets *sockets)
{
    return sockets != NULL ? sockets->count : 0;
}

const char *plx_sockets_name(const plx_sockets *sockets, uint32_t index)
{
    return index < plx_sockets_count(sockets) ? sockets->entries[index].name : NULL;
}

plx_socket plx_sockets_at(const plx_sockets *sockets, uint32_t index)
{
    return index < plx_sockets_count(sockets) ? sockets->entries[index].socket : PLX_SOCKET_NONE;
}

plx_socket plx_sockets_take(plx_sockets *sockets, uint32_t index)
{
    plx_socket socket = plx_sockets_at(sockets, index);
    if (index < plx_sockets_count(sockets))
        sockets->entries[index].socket = PLX_SOCKET_NONE;
    return socket;
}

void plx_sockets_close(plx_sockets *sockets)
{
    if (sockets == NULL)
        return;
    for (uint32_t i = 0; i < sockets->count; i++)
        plx_socket_close(sockets->entries[i].socket);
    plx__free(sockets->entries);
    plx__free(sockets);
}

size_t plx__sockets_names(const plx_sockets *sockets, unsigned char *bytes)
{
    size_t length = 0;
    for (uint32_t i = 0; i < sockets->count; i++) {
        size_t one = strlen(sockets->entries[i].name) + 1;
        if (bytes != NULL)
            memcpy(bytes + length, sockets->entries[i].name, one);
        length += one;
    }
    return length;
}
