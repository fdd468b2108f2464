/* tests/posix/prints.c - a program that calls nothing of POSIX's has lines without carriage
 * returns, too: who looks is the one that runs it. */
#include <stdio.h>

int main(void)
{
    printf("ok a line\n");
    printf("checks: 1, failed: 0\n");
    return 0;
}
