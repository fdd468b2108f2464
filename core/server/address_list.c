/* core/server/address_list.c - blocks of addresses, compared one after another. */
#include "core/server/address_list.h"

#include <pollux/limits.h>

int plx__address_list_open(plx__address_list *list, const char *const *texts, size_t count,
                           const char **wrong_out)
{
    int status = 0;
    *list = (plx__address_list){0};
    if (count > PLX__ADDRESS_LIST_MAX || (count > 0 && texts == NULL))
        return PLX_EINVAL;
    if (count == 0)
        return 0;
    list->items = plx__allocate_zeroed(count, sizeof *list->items);
    if (list->items == NULL)
        return PLX_ENOMEM;
    while (status == 0 && list->count < count) {
        status = plx__address_prefix_parse(&list->items[list->count], texts[list->count]);
        if (status == 0)
            list->count++;
        else
            *wrong_out = texts[list->count];
    }
    if (status != 0)
        plx__address_list_close(list);
    return status;
}

void plx__address_list_close(plx__address_list *list)
{
    plx__free(list->items);
    *list = (plx__address_list){0};
}

bool plx__address_list_has(const plx__address_list *list, const plx__ip *ip)
{
    for (size_t i = 0; i < list->count; i++) {
        if (plx__address_prefix_has(&list->items[i], ip))
            return true;
    }
    return false;
}

int plx_address_block_check(const char *text)
{
    plx__address_prefix prefix;
    return plx__address_prefix_parse(&prefix, text);
}
