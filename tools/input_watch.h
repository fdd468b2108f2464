/* tools/input_watch.h - ends a server when standard input does. */
#ifndef TOOLS_INPUT_WATCH_H
#define TOOLS_INPUT_WATCH_H

#include <pollux/server.h>

/* Stops the server at the end of standard input, until input_watch_close(). Once in a process. */
int input_watch_open(plx_server *server);
void input_watch_close(void);

#endif
