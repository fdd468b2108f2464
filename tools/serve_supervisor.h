/* tools/serve_supervisor.h - what `pollux serve` tells a supervisor, if there is one. */
#ifndef TOOLS_SERVE_SUPERVISOR_H
#define TOOLS_SERVE_SUPERVISOR_H

#include "tools/serve.h"

/* It is ready. From now on it tells that it lives, if the supervisor wants to hear that. Returns 0
 * or a code. */
int serve_supervisor_open(serve *s);
/* It ends. */
void serve_supervisor_close(const serve *s);

#endif
