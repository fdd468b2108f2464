/* platform/sized.c - copies as much as both sides know. */
#include "platform/sized.h"

#include <string.h>

#include <pollux/error.h>

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

int plx__sized_take(void *own, size_t own_bytes, const void *given, size_t given_bytes)
{
    const unsigned char *bytes = given;
    memset(own, 0, own_bytes);
    if (given == NULL)
        return 0;
    memcpy(own, given, smaller(own_bytes, given_bytes));
    for (size_t i = own_bytes; i < given_bytes; i++) {
        if (bytes[i] != 0)
            return PLX_EINVAL;
    }
    return 0;
}

void plx__sized_give(void *out, size_t out_bytes, const void *own, size_t own_bytes)
{
    memset(out, 0, out_bytes);
    memcpy(out, own, smaller(own_bytes, out_bytes));
}
