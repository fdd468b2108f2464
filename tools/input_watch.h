/* tools/input_watch.h - tells when standard input ends. */
#ifndef TOOLS_INPUT_WATCH_H
#define TOOLS_INPUT_WATCH_H

#include <pollux/types.h>

/* Standard input has ended: called once, on a thread of its own, or on the loop's. */
typedef void (*input_end_fn)(void *data);

/* Has it called, until input_watch_close(). Once in a process. 0, or why there is no thread. */
int input_watch_open(input_end_fn on_end, void *data);
/* The same for a process that forks, which one with two threads cannot: a loop watches standard
 * input, and calls it on its thread. On Unix. */
int input_watch_open_on_loop(plx_loop *loop, input_end_fn on_end, void *data);
void input_watch_close(void);

#endif
