/* tools/serve_proxy.c - who may send a PROXY header, and what is said of those who may not. */
#include "tools/serve_proxy.h"

#include <stdio.h>

#include "platform/atomic.h"
#include "tools/command.h"
#include "tools/serve_live.h"

static plx__atomic_u32 refused;

/* The first one is reported; the summary has the number. */
static void on_refused(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    char peer[PLX_ADDRESS_TEXT_MAX];
    (void)data;
    if (reason == PLX_ECANCELED || plx__atomic_add(&refused, 1) != 0)
        return;
    if (plx_conn_peer(loop, conn, peer, sizeof peer) != 0)
        (void)snprintf(peer, sizeof peer, "a connection");
    if (reason == PLX_EACCES)
        serve_note("%s was reset: --proxy-from does not name it, so it may not send a PROXY header",
                   peer);
    else
        serve_note("%s ended without a PROXY header: %s", peer, plx_error_text(reason));
}

/* The library knows what a block of addresses is, and tells when one is given to it alone. */
int serve_proxy_from(serve_proxy *p, const char *prefix)
{
    plx_proxy *tried;
    if (p->from_count == SERVE_PROXY_FROM_MAX)
        return command_misused("serve", "--proxy-from: at most %u blocks of addresses",
                               SERVE_PROXY_FROM_MAX);
    if (plx_proxy_open(&tried, &(plx_proxy_options){.trusted = &prefix, .trusted_count = 1}) ==
        PLX_EINVAL)
        return command_misused("serve",
                               "--proxy-from: \"%s\" is not a block of addresses; write an IP "
                               "address, or one with a length and no bits behind it, as 10.0.0.0/8",
                               prefix);
    plx_proxy_close(tried);
    p->from[p->from_count++] = prefix;
    return COMMAND_DONE;
}

int serve_proxy_open(serve_proxy *p, plx_conn_options *conn)
{
    plx_proxy_options options = {
        .conn = conn, .on_refused = on_refused, .trusted = p->from, .trusted_count = p->from_count};
    static const char *const loopback[] = {"127.0.0.0/8", "::1"};
    if (!p->is_wanted)
        return 0;
    if (p->from_count == 0) {
        options.trusted = loopback;
        options.trusted_count = 2;
    }
    int status = plx_proxy_open(&p->proxy, &options);
    if (status == 0)
        plx_proxy_conn_options(p->proxy, conn);
    return status;
}

void serve_proxy_close(serve_proxy *p)
{
    plx_proxy_close(p->proxy);
}

uint64_t serve_proxy_refused(void)
{
    return plx__atomic_load(&refused);
}
