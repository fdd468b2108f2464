/* core/server/address_list.h - blocks of addresses that somebody has listed. */
#ifndef PLX__ADDRESS_LIST_H
#define PLX__ADDRESS_LIST_H

#include "core/address_prefix.h"

#define PLX__ADDRESS_LIST_MAX 4096u

/* All zero: an empty one. */
typedef struct plx__address_list {
    plx__address_prefix *items;
    size_t count;
} plx__address_list;

/* 0; PLX_EINVAL for one that is no block, with `*wrong_out` set to it, or for too many; or
 * PLX_ENOMEM. On failure the list is empty. */
int plx__address_list_open(plx__address_list *list, const char *const *texts, size_t count,
                           const char **wrong_out);
void plx__address_list_close(plx__address_list *list);
/* Whether the address is in one of the blocks. */
bool plx__address_list_has(const plx__address_list *list, const plx__ip *ip);

#endif
