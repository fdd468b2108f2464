/* core/handover/frame.c - frames as bytes.
 *
 * The first 12 bytes are the same in every version, so that each can refuse the others in words.
 */
#include "core/handover/handover.h"

#include <string.h>

#define VERSION 1u

static const char magic[8] = {'P', 'L', 'X', 'T', 'A', 'K', 'E', '\n'};

static void number_write(unsigned char *bytes, uint64_t number, int length)
{
    for (int i = 0; i < length; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
}

static uint64_t number_read(const unsigned char *bytes, int length)
{
    uint64_t number = 0;
    for (int i = 0; i < length; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

void plx__frame_write(const plx__frame *frame, unsigned char *bytes)
{
    memcpy(bytes, magic, sizeof magic);
    number_write(bytes + 8, VERSION, 4);
    number_write(bytes + 12, frame->kind, 4);
    number_write(bytes + 16, frame->count, 4);
    number_write(bytes + 20, frame->length, 4);
    number_write(bytes + 24, frame->process, 8);
}

int plx__frame_read(plx__frame *frame_out, const unsigned char *bytes)
{
    if (memcmp(bytes, magic, sizeof magic) != 0 || number_read(bytes + 8, 4) != VERSION)
        return PLX_EVERSION;
    frame_out->kind = (uint32_t)number_read(bytes + 12, 4);
    frame_out->count = (uint32_t)number_read(bytes + 16, 4);
    frame_out->length = (uint32_t)number_read(bytes + 20, 4);
    frame_out->process = number_read(bytes + 24, 8);
    return 0;
}
