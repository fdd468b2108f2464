/* tests/wine_keeper.c - stays for a while, so that Wine's services do too.
 *
 * Creates the file that it is given when it is up, and ends when that file is gone, or after half
 * an hour.
 */
#include <stdio.h>

#include "platform/platform.h"

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file != NULL)
        (void)fclose(file);
    return file != NULL;
}

int main(int argc, char **argv)
{
    plx__mutex mutex;
    plx__condition never;
    if (argc != 2)
        return 2;
    FILE *file = fopen(argv[1], "w");
    if (file == NULL)
        return 1;
    (void)fclose(file);
    plx__mutex_open(&mutex);
    plx__condition_open(&never);
    plx__mutex_lock(&mutex);
    for (int seconds = 0; seconds < 1800 && is_there(argv[1]); seconds++)
        (void)plx__condition_wait(&never, &mutex, PLX_SECOND);
    return 0;
}
