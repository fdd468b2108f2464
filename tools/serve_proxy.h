/* tools/serve_proxy.h - `pollux serve` behind a proxy that sends headers of the PROXY protocol. */
#ifndef TOOLS_SERVE_PROXY_H
#define TOOLS_SERVE_PROXY_H

#include <stdbool.h>

#include <pollux/pollux.h>

#define SERVE_PROXY_FROM_MAX 16u

typedef struct serve_proxy {
    bool is_wanted;
    const char *from[SERVE_PROXY_FROM_MAX]; /* Who may send a header. */
    uint32_t from_count;
    plx_proxy *proxy; /* NULL before serve_proxy_open(). */
} serve_proxy;

/* Takes the value of --proxy-from. Returns a command_exit, after saying what is wrong with it. */
int serve_proxy_from(serve_proxy *p, const char *prefix);
/* Has connections begin with a header if that is wanted: puts other options into `*conn`. */
int serve_proxy_open(serve_proxy *p, plx_conn_options *conn);
/* When the server is closed. */
void serve_proxy_close(serve_proxy *p);
/* How many connections were refused or timed out before their header was complete. */
uint64_t serve_proxy_refused(void);

#endif
