/* posix/names/hosts.c - hosts by name and address, with the answer in the caller's memory.
 */
#include "posix/names/names.h"

#include <errno.h>
#include <string.h>

/* TRY_AGAIN and others of netdb.h. */
enum { HOST_TRY_LATER = 2, HOST_NO_RECOVERY = 3, HOST_INTERNAL = -1 };

typedef struct host_place {
    plx__hostent *entry;
    char *buffer;
    size_t size;
    plx__hostent **result_out;
    int *error_out;
} host_place;

/* Copies what the thread has been told; NULL: it was told that there is none. As the GNU C library,
 * which has these calls: that there is none is no failure. */
static int host_give(const plx__hostent *from, host_place to)
{
    *to.result_out = NULL;
    *to.error_out = from != NULL ? 0 : *plx_posix_h_errno();
    if (from == NULL)
        return *to.error_out == HOST_TRY_LATER     ? EAGAIN
               : *to.error_out == HOST_NO_RECOVERY ? EAFNOSUPPORT
                                                   : 0;
    size_t count = 0;
    while (from->addresses[count] != NULL)
        count++;
    const size_t lists = (count + 2) * sizeof(char *);
    const size_t name_size = strlen(from->name) + 1;
    const size_t padding =
        (sizeof(char *) - (uintptr_t)to.buffer % sizeof(char *)) % sizeof(char *);
    if (padding + lists + count * (size_t)from->length + name_size > to.size) {
        *to.error_out = HOST_INTERNAL;
        return ERANGE;
    }
    char **addresses = (char **)(void *)(to.buffer + padding);
    char *bytes = to.buffer + padding + lists;
    for (size_t i = 0; i < count; i++, bytes += from->length)
        addresses[i] = memcpy(bytes, from->addresses[i], (size_t)from->length);
    addresses[count] = addresses[count + 1] = NULL;
    *to.entry = *from;
    to.entry->name = memcpy(bytes, from->name, name_size);
    to.entry->addresses = addresses;
    to.entry->aliases = addresses + count + 1; /* There are none. */
    *to.result_out = to.entry;
    return 0;
}

PLX__CALL int plx_posix_gethostbyname2_r(const char *name, int family, plx__hostent *entry,
                                         char *buffer, size_t size, plx__hostent **result_out,
                                         int *error_out)
{
    const host_place place = {entry, buffer, size, result_out, error_out};
    return host_give(plx_posix_gethostbyname2(name, family), place);
}

PLX__CALL int plx_posix_gethostbyname_r(const char *name, plx__hostent *entry, char *buffer,
                                        size_t size, plx__hostent **result_out, int *error_out)
{
    return plx_posix_gethostbyname2_r(name, AF_INET, entry, buffer, size, result_out, error_out);
}

PLX__CALL int plx_posix_gethostbyaddr_r(const void *address, plx__socklen length, int family,
                                        plx__hostent *entry, char *buffer, size_t size,
                                        plx__hostent **result_out, int *error_out)
{
    const host_place place = {entry, buffer, size, result_out, error_out};
    return host_give(plx_posix_gethostbyaddr(address, length, family), place);
}
