/* tools/serve_sockets.h - the listening sockets of `pollux serve`: its own, those of a supervisor,
 * and those of the process that it replaces. */
#ifndef TOOLS_SERVE_SOCKETS_H
#define TOOLS_SERVE_SOCKETS_H

#include "tools/serve.h"

/* All of them print what is wrong, and return a command_exit. */

/* Gets what the supervisor and the process at --takeover have. */
int serve_sockets_open(serve *s);
/* Listens at one of the addresses. */
int serve_sockets_listen(serve *s, const char *address, const plx_listen_options *options);
/* All listen: the other process is told, and the next one is waited for. */
int serve_sockets_confirm(serve *s);
/* No other process gets them any more: on the thread of the first loop, or when none runs. */
void serve_sockets_close(serve *s);

#endif
