/* tests/wine_keeper.c - stays for a while, so that Wine's services do too.
 *
 * Creates the file that it is given when it is up, and ends when that file is gone, or after two
 * hours. It has a console, and so the desktop that consoles need: the explorer.exe that Wine starts
 * for it inherits the streams of whoever is the first, and stays for as long as anybody has one.
 * CTest waits for all that hold a test's streams; on a busy machine that was beyond its limit.
 */
#include <stdio.h>

#include "platform/os.h"

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
    (void)FreeConsole();
    if (!AllocConsole())
        return 1;
    FILE *file = fopen(argv[1], "w");
    if (file == NULL)
        return 1;
    (void)fclose(file);
    plx__mutex_open(&mutex);
    plx__condition_open(&never);
    plx__mutex_lock(&mutex);
    for (int seconds = 0; seconds < 7200 && is_there(argv[1]); seconds++)
        (void)plx__condition_wait(&never, &mutex, PLX_SECOND);
    return 0;
}
