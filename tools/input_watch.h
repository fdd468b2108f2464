/* tools/input_watch.h - ends a server when standard input does. */
#ifndef TOOLS_INPUT_WATCH_H
#define TOOLS_INPUT_WATCH_H

#include <pollux/server.h>

/* At the end of standard input the server drains for so long, or stops if that is 0; until
 * input_watch_close(). Once in a process. */
int input_watch_open(plx_server *server, uint64_t drain_ns);
void input_watch_close(void);

#endif
