/* tools/input_watch.h - tells when standard input ends. */
#ifndef TOOLS_INPUT_WATCH_H
#define TOOLS_INPUT_WATCH_H

/* Standard input has ended: called once, on a thread of its own. */
typedef void (*input_end_fn)(void *data);

/* Has it called, until input_watch_close(). Once in a process. 0, or why there is no thread. */
int input_watch_open(input_end_fn on_end, void *data);
void input_watch_close(void);

#endif
