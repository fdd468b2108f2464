/* core/handover/frame.c - frames as bytes.
 *
 * The first 12 bytes are the same in every version, so that each can refuse the others in words.
 */
#include "core/handover/handover.h"

#include <string.h>

#define VERSION 1u

static const char magic[8] = {'P', 'L', 'X', 'T', 'A', 'K', 'E', '\n'};

/* Returns where the next one begins. */
static unsigned char *number_write(unsigned char *bytes, uint64_t number, int length)
{
    for (int i = 0; i < length; i++)
        *bytes++ = (unsigned char)(number >> (8 * i));
    return bytes;
}

/* Moves `*bytes` behind the number. */
static uint64_t number_read(const unsigned char **bytes, int length)
{
    uint64_t number = 0;
    for (int i = 0; i < length; i++)
        number |= (uint64_t)(*bytes)[i] << (8 * i);
    *bytes += length;
    return number;
}

void plx__frame_write(const plx__frame *frame, unsigned char *bytes)
{
    memcpy(bytes, magic, sizeof magic);
    bytes = number_write(bytes + sizeof magic, VERSION, 4);
    bytes = number_write(bytes, frame->kind, 4);
    bytes = number_write(bytes, frame->count, 4);
    bytes = number_write(bytes, frame->length, 4);
    (void)number_write(bytes, frame->process, 8);
}

int plx__frame_read(plx__frame *frame_out, const unsigned char *bytes)
{
    const unsigned char *numbers = bytes + sizeof magic;
    if (memcmp(bytes, magic, sizeof magic) != 0 || number_read(&numbers, 4) != VERSION)
        return PLX_EVERSION;
    frame_out->kind = (uint32_t)number_read(&numbers, 4);
    frame_out->count = (uint32_t)number_read(&numbers, 4);
    frame_out->length = (uint32_t)number_read(&numbers, 4);
    frame_out->process = number_read(&numbers, 8);
    return 0;
}
