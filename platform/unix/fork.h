/* platform/unix/fork.h - what has to be in order when fork() copies the process. */
#ifndef PLX__UNIX_FORK_H
#define PLX__UNIX_FORK_H

#include <stdbool.h>

/* signal.c: nobody changes its table from the first call to the second. */
void plx__signals_fork_begin(void);
void plx__signals_fork_end(bool is_child);

#endif
