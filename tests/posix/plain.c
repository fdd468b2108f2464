/* tests/posix/plain.c - a program of C's alone, without the POSIX layer: what children of another
 * sort are. It copies its input to its output, says how much that was, and ends with the code that
 * it is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
    static char bytes[4096];
    long copied = 0;
    if (count > 2 && fgets(bytes, sizeof bytes, stdin) != NULL) { /* A line, an answer, the end. */
        printf("answer to %.*s", (int)strcspn(bytes, "\r\n"), bytes);
        return fflush(stdout) == 0 ? atoi(arguments[1]) : 1;
    }
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, stdin)) > 0; copied += (long)got) {
        if (fwrite(bytes, 1, got, stdout) != got)
            return 1;
    }
    fprintf(stderr, "%ld copied", copied);
    return count > 1 ? atoi(arguments[1]) : 0;
}
