/* tools/load_header.h - the PROXY header with which connections of a load begin. */
#ifndef TOOLS_LOAD_HEADER_H
#define TOOLS_LOAD_HEADER_H

#include <pollux/types.h>
#include <stddef.h>

/* Writes it to the connection, which has just opened; `version` is 1 or 2. Returns its length, or 0
 * on a connection that has failed, of which on_close tells. */
size_t load_header_write(plx_loop *loop, plx_conn conn, uint32_t version);

#endif
