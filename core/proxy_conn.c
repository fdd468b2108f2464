/* core/proxy_conn.c - connections that begin with a header of the PROXY protocol.
 *
 * A connection begins with options of this file's own: who may connect, what is a header, and by
 * when. Then it becomes what its user wants (conn/become.c). Until then it is staged
 * (PLX__CONN_OPTION_STAGED): its `data` is the plx_proxy, which nobody else sees. So there is no
 * memory and no timer of its own for one that waits.
 */
#include <string.h>

#include "core/address_prefix.h"
#include "core/conn/conn.h"
#include "core/proxy_header.h"
#include "platform/sized.h"

#define TRUSTED_MAX        256u
#define HEADER_MAX_DEFAULT 4096u
#define HEADER_MAX_LEAST   107u
#define HEADER_MAX_MOST    65551u
#define HEADER_TIMEOUT_NS  (3 * PLX_SECOND)

struct plx_proxy {
    plx_conn_options conn; /* The user's. */
    plx_proxy_header_fn on_header;
    plx_proxy_refused_fn on_refused;
    uint64_t header_timeout_ns;
    uint32_t header_max;
    uint32_t trusted_count;
    plx__address_prefix trusted[];
};

/* Its reset leaves on_closed nothing to tell. */
static void refuse(plx_loop *loop, plx_conn conn, const plx_proxy *proxy, int reason)
{
    if (proxy->on_refused != NULL)
        proxy->on_refused(loop, conn, proxy->conn.data, reason);
    (void)plx_conn_reset(loop, conn);
}

static bool is_trusted(plx_loop *loop, plx_conn conn, const plx_proxy *proxy)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    plx__address peer;
    plx__ip ip;
    if (loop->host->peer(found->object.endpoint.socket, &peer) != 0)
        return false; /* It has been reset since it was accepted. */
    plx__ip_of(&ip, &peer);
    for (uint32_t i = 0; i < proxy->trusted_count; i++) {
        if (plx__address_prefix_has(&proxy->trusted[i], &ip))
            return true;
    }
    return peer.family == PLX__FAMILY_UNIX;
}

static void on_opened(plx_loop *loop, plx_conn conn, void *data)
{
    const plx_proxy *proxy = data;
    if (!is_trusted(loop, conn, proxy))
        refuse(loop, conn, proxy, PLX_EACCES);
}

/* From now on it is the user's. The options are found first, and a connection whose header came
 * with it begins to read: once on_header has been called the connection opens, whatever may become
 * of what came behind the header. */
static void hand_over(plx_loop *loop, plx_conn conn, const plx_proxy *proxy,
                      const plx_proxy_header *header)
{
    plx__shared_options *shared;
    void *data = proxy->conn.data;
    int status = plx__shared_options_find(loop, &shared, &proxy->conn);
    if (status != 0) {
        refuse(loop, conn, proxy, status);
        return;
    }
    plx__conn_input_update(loop, plx__conn_find(loop, conn));
    if (plx__conn_find(loop, conn) == NULL) { /* on_closed tells why. */
        plx__shared_options_release(shared);
        return;
    }
    if (proxy->on_header != NULL && proxy->on_header(loop, conn, &data, header) != 0)
        (void)plx_conn_reset(loop, conn);
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL || (found->flags & PLX__CONN_FINISHING) != 0) {
        plx__shared_options_release(shared);
        return;
    }
    plx__conn_become(loop, found, shared, data);
    if (plx__conn_is_open(found) && proxy->conn.on_open != NULL)
        proxy->conn.on_open(loop, conn, data);
}

static size_t on_bytes(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    const plx_proxy *proxy = data;
    plx_proxy_header header;
    int used = plx_proxy_parse(bytes, length, &header);
    size_t whole = used > 0 ? (size_t)used : plx__proxy_header_length(bytes, length);
    if (used < 0 && used != PLX_EAGAIN)
        refuse(loop, conn, proxy, used);
    else if (whole > proxy->header_max)
        refuse(loop, conn, proxy, PLX_EMSGSIZE);
    else if (used > 0)
        hand_over(loop, conn, proxy, &header);
    return used > 0 ? (size_t)used : 0;
}

static void on_ended(plx_loop *loop, plx_conn conn, void *data)
{
    if (plx_conn_unconsumed(loop, conn) > 0)
        refuse(loop, conn, data, PLX_EPROTO);
    else
        (void)plx_conn_close(loop, conn);
}

static void on_closed(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    const plx_proxy *proxy = data;
    if (reason != 0 && proxy->on_refused != NULL)
        proxy->on_refused(loop, conn, proxy->conn.data, reason);
}

static int trusted_parse(plx_proxy *proxy, const plx_proxy_options *options)
{
    for (uint32_t i = 0; i < options->trusted_count; i++) {
        if (plx__address_prefix_parse(&proxy->trusted[i], options->trusted[i]) != 0)
            return PLX_EINVAL;
    }
    return 0;
}

static int options_check(const plx_proxy_options *options, const plx_conn_options *conn)
{
    plx__shared_options *shared;
    if (options->trusted == NULL || options->trusted_count == 0 ||
        options->trusted_count > TRUSTED_MAX || options->header_max > HEADER_MAX_MOST ||
        (options->header_max != 0 && options->header_max < HEADER_MAX_LEAST) ||
        (conn->flags & PLX__CONN_OPTION_STAGED) != 0)
        return PLX_EINVAL;
    int status = plx__shared_options_open(&shared, conn);
    if (status == 0)
        plx__shared_options_release(shared);
    return status;
}

int plx_proxy_open_sized(plx_proxy **proxy_out, const plx_proxy_options *options,
                         size_t options_bytes, size_t conn_bytes)
{
    plx_proxy_options own;
    plx_conn_options conn;
    *proxy_out = NULL;
    int status = plx__sized_take(&own, sizeof own, options, options_bytes);
    if (status == 0)
        status = plx__sized_take(&conn, sizeof conn, own.conn, conn_bytes);
    if (status == 0)
        status = options_check(&own, &conn);
    if (status != 0)
        return status;
    plx_proxy *proxy =
        plx__allocate(sizeof *proxy + own.trusted_count * sizeof(plx__address_prefix));
    if (proxy == NULL)
        return PLX_ENOMEM;
    proxy->conn = conn;
    proxy->on_header = own.on_header;
    proxy->on_refused = own.on_refused;
    proxy->header_max = own.header_max != 0 ? own.header_max : HEADER_MAX_DEFAULT;
    proxy->header_timeout_ns =
        own.header_timeout_ns != 0 ? own.header_timeout_ns : HEADER_TIMEOUT_NS;
    proxy->trusted_count = own.trusted_count;
    status = trusted_parse(proxy, &own);
    if (status != 0) {
        plx__free(proxy);
        return status;
    }
    *proxy_out = proxy;
    return 0;
}

void plx_proxy_conn_options_sized(const plx_proxy *proxy, plx_conn_options *options_out,
                                  size_t options_bytes)
{
    const plx_conn_options staged = {
        .on_open = on_opened,
        .on_data = on_bytes,
        .on_end = on_ended,
        .on_close = on_closed,
        .data = (void *)(uintptr_t)proxy, /* Which is only read. */
        .connect_timeout_ns = proxy->conn.connect_timeout_ns,
        .read_timeout_ns = proxy->header_timeout_ns,
        .receive_limit = HEADER_MAX_MOST,
        .flags = (proxy->conn.flags & PLX_CONN_DELAY) | PLX__CONN_OPTION_STAGED,
    };
    plx__sized_give(options_out, options_bytes, &staged, sizeof staged);
}

void plx_proxy_close(plx_proxy *proxy)
{
    plx__free(proxy);
}
