/* tools/line_reader.c - owns what was read and not yet asked for. */
#include "tools/line_reader.h"

#include <string.h>

/* Takes `length` bytes as a line, and those behind them up to `used` away. */
static void line_take(line_reader *reader, size_t length, size_t used, char *line, size_t size)
{
    const char *bytes = reader->bytes + reader->start;
    if (length > 0 && bytes[length - 1] == '\r')
        length--; /* What text streams of Windows add. */
    if (length >= size)
        length = size - 1;
    memcpy(line, bytes, length);
    line[length] = '\0';
    reader->start += used;
    reader->length -= used;
}

/* Reads more behind what is there. */
static int reader_fill(line_reader *reader, uint64_t until_ns)
{
    uint64_t now = plx__clock_now();
    memmove(reader->bytes, reader->bytes + reader->start, reader->length);
    reader->start = 0;
    ptrdiff_t got = plx__process_read(reader->process, reader->bytes + reader->length,
                                      sizeof reader->bytes - reader->length,
                                      until_ns > now ? until_ns - now : 0);
    if (got < 0)
        return (int)got;
    reader->length += (size_t)got;
    return 0;
}

int line_reader_next(line_reader *reader, char *line, size_t size, uint64_t timeout_ns)
{
    uint64_t until = plx__clock_now() + timeout_ns;
    for (;;) {
        const char *bytes = reader->bytes + reader->start;
        const char *end = memchr(bytes, '\n', reader->length);
        if (end != NULL) {
            line_take(reader, (size_t)(end - bytes), (size_t)(end - bytes) + 1, line, size);
            return 0;
        }
        bool is_over = reader->status != 0 && reader->length > 0;
        if (is_over || reader->length == sizeof reader->bytes) {
            line_take(reader, reader->length, reader->length, line, size);
            return 0;
        }
        if (reader->status != 0)
            return reader->status;
        int status = reader_fill(reader, until);
        if (status == PLX_ETIMEDOUT)
            return status;
        reader->status = status;
    }
}
