/* tools/line_reader.h - the output of a child process, line by line. */
#ifndef TOOLS_LINE_READER_H
#define TOOLS_LINE_READER_H

#include "platform/process.h"

/* All zero but for `process` is a new one. */
typedef struct line_reader {
    plx__process *process;
    int status; /* PLX_EEOF when no more comes. */
    size_t start, length;
    char bytes[4096];
} line_reader;

/* The next line, without what ended it; cut off at `size` - 1 bytes. 0, PLX_ETIMEDOUT, PLX_EEOF, or
 * the code of a read that failed. */
int line_reader_next(line_reader *reader, char *line, size_t size, uint64_t timeout_ns);

#endif
