/**
 * @file proxy_protocol.h
 * The PROXY protocol, versions 1 and 2: how a server behind a proxy learns whose connection it has.
 *
 * A proxy such as HAProxy connects to the server, and sends the addresses of its own client in a
 * header before anything else ("The PROXY protocol", doc/proxy-protocol.txt of HAProxy,
 * https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, of 2020/03/05). There are two
 * layers: plx_proxy_parse() reads a header in memory, and plx_proxy_open() has the connections of a
 * listener begin with one.
 *
 *     static const char *const trusted[] = {"10.1.0.0/16"};
 *     plx_proxy *proxy;
 *     plx_conn_options conn;
 *     int status = plx_proxy_open(&proxy, &(plx_proxy_options){.conn = &conn_of_mine,
 *                                                              .trusted = trusted,
 *                                                              .trusted_count = 1});
 *     if (status == 0) {
 *         plx_proxy_conn_options(proxy, &conn);
 *         status = plx_listen(loop, NULL, "tcp://:7000", &(plx_listen_options){.conn = &conn});
 *     }
 */
#ifndef POLLUX_PROXY_PROTOCOL_H
#define POLLUX_PROXY_PROTOCOL_H

#include <pollux/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of which kind the addresses of a header are. */
enum plx_proxy_family {
    PLX_PROXY_UNKNOWN = 0, /**< The header has none that are known. */
    PLX_PROXY_IPV4 = 1,
    PLX_PROXY_IPV6 = 2,
    PLX_PROXY_UNIX = 3
};

/** What a header says. */
typedef struct plx_proxy_header {
    uint32_t version;  /**< 1 or 2. */
    uint32_t is_local; /**< Not 0: the connection is the proxy's own, a health check for example
                            (version 2, "LOCAL"). The header has no addresses then. */
    uint32_t family;   /**< One of plx_proxy_family. PLX_PROXY_UNKNOWN: the two texts are empty, and
                            plx_conn_peer() tells the proxy's address. */
    uint32_t is_datagram; /**< Not 0: the proxy's client uses UDP (QUIC), or a Unix-domain socket
                               for datagrams. */
    /** Whose connection it is, in the form of plx_conn_peer(): "tcp://192.0.2.1:4711",
     * "tcp://[2001:db8::1]:4711", "unix:/path"; with is_datagram "udp://...". */
    char source[PLX_ADDRESS_TEXT_MAX];
    char destination[PLX_ADDRESS_TEXT_MAX]; /**< Where the client has connected to. */
    const void *tlvs;   /**< Values that follow the addresses, for plx_proxy_tlv_next(). They are a
                             part of the bytes that were parsed, and live as long. */
    size_t tlvs_length; /**< In bytes. */
} plx_proxy_header;

/** The longest header without such values. The longest of version 1 has 107 bytes. */
#define PLX_PROXY_HEADER_MAX 232

/** What plx_proxy_parse() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_proxy_parse_sized(const void *bytes, size_t length,
                                                plx_proxy_header *header_out, size_t header_bytes);

/**
 * Parses the header that the `length` bytes begin with. It reads them and nothing else. Strict:
 * what the specification does not allow is an error, and so is a checksum (PP2_TYPE_CRC32C) that
 * does not match. The block of a LOCAL header is not looked at, as the specification demands.
 *
 * Returns how many bytes the header has, 65,551 at the most, and fills in `*header_out`;
 * PLX_EAGAIN when more bytes are needed to tell; or PLX_EPROTO when these begin no header. Any
 * thread.
 */
PLX_NODISCARD static inline int plx_proxy_parse(const void *bytes, size_t length,
                                                plx_proxy_header *header_out)
{
    return plx_proxy_parse_sized(bytes, length, header_out, sizeof *header_out);
}

/** A value of a header: of a type (PP2_TYPE_ALPN is 1, and so on), with its bytes. */
typedef struct plx_proxy_tlv {
    uint32_t type;     /**< 0 to 255. */
    size_t length;     /**< Of the value, in bytes. */
    const void *bytes; /**< Of the value. No zero follows it. */
} plx_proxy_tlv;

/**
 * The next of the values in `length` bytes, plx_proxy_header.tlvs for example, or the values within
 * that of PP2_TYPE_SSL, behind its first 5 bytes. `*position` is 0 for the first call.
 *
 * Returns 1; 0 when there is none left; or PLX_EPROTO for bytes that are cut off, which
 * plx_proxy_parse() has ruled out for those of a header. Any thread.
 */
PLX_NODISCARD PLX_API int plx_proxy_tlv_next(const void *tlvs, size_t length, size_t *position,
                                             plx_proxy_tlv *tlv_out);

/**
 * Writes a header, for a program that is the proxy, in `version` 1 or 2. The addresses are in the
 * form of plx_conn_peer(), both "tcp://" with the same family, or both "unix:" in version 2.
 * Without a `source`, version 1 says UNKNOWN and version 2 LOCAL. Send it before anything else.
 *
 * Returns how many bytes it has written, PLX_PROXY_HEADER_MAX at the most; PLX_EADDRESS for
 * addresses of other forms; or PLX_EINVAL for a `version` that is none, and if `size` is too small.
 * Any thread.
 */
PLX_NODISCARD PLX_API int plx_proxy_write(void *bytes, size_t size, uint32_t version,
                                          const char *source, const char *destination);

/* --- connections ------------------------------------------------------------------------------ */

/** How the connections of a listener begin. It never changes, so loops on several threads share it.
 */
typedef struct plx_proxy plx_proxy;

/**
 * The header has arrived; on_open is called next. `*data` is what your callbacks will get as
 * `data`: that of the connection's options, or what you put there, for example a struct of the
 * connection's own with the addresses. `header` is valid until the callback returns.
 *
 * Return 0; or any other value, and the connection is reset, and no other callback is called for
 * it: free what you have allocated. The same applies if you close the connection here.
 */
typedef int (*plx_proxy_header_fn)(plx_loop *loop, plx_conn conn, void **data,
                                   const plx_proxy_header *header);

/**
 * A connection ends before its header was complete. Nothing else is called for it. `data` is that
 * of the connection's options. `reason` is:
 *
 * - PLX_EACCES: its peer is not trusted;
 * - PLX_EPROTO: it begins with something else, or ended in the middle of a header;
 * - PLX_EMSGSIZE: the header is longer than `header_max`;
 * - PLX_ENOMEM: there was no memory for the connection's options;
 * - PLX_ETIMEDOUT: the header did not come in time;
 * - another code: as in on_close.
 *
 * For the first four, `conn` is still open, and plx_conn_peer() tells its peer; then it is reset.
 * A peer that connects and ends without a byte, as simple health checks do, is not reported.
 */
typedef void (*plx_proxy_refused_fn)(plx_loop *loop, plx_conn conn, void *data, int reason);

/** How connections begin. */
typedef struct plx_proxy_options {
    const plx_conn_options *conn;    /**< What a connection does after its header; NULL: all zero.
                                          connect_timeout_ns and PLX_CONN_DELAY apply from the
                                          beginning, all else after the header. */
    plx_proxy_header_fn on_header;   /**< May be NULL. */
    plx_proxy_refused_fn on_refused; /**< May be NULL. */
    /** Who may connect, as blocks of addresses: "10.0.0.0/8", "::1/128", "192.0.2.7". The bits
     * behind the prefix are 0. All others are reset before a byte of theirs is read: whoever may
     * send a header can claim any address. An IPv4 peer of a listener on [::] counts as IPv4. Peers
     * at a Unix-domain listener are always trusted: the permissions of its file tell who they are.
     */
    const char *const *trusted;
    uint32_t trusted_count; /**< 1 at least, 256 at the most. */
    uint32_t header_max;    /**< A longer header is refused; 0: 4,096 bytes; 107 at the least. */
    /** The header must be complete so long after the connection opened; 0: 3 s, the shortest that
     * the specification recommends. */
    uint64_t header_timeout_ns;
} plx_proxy_options;

/** What plx_proxy_open() calls, with the sizes of its caller's structs (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_proxy_open_sized(plx_proxy **proxy_out,
                                               const plx_proxy_options *options,
                                               size_t options_bytes, size_t conn_bytes);

/**
 * Makes it. `*proxy_out` is NULL if the call fails. `options` and what it points to are read during
 * the call only. Returns 0; PLX_EINVAL for a text in `trusted` that is no block of addresses, for
 * none, for options out of bounds, or for options of connections that contradict each other; or
 * PLX_ENOMEM. Any thread.
 */
PLX_NODISCARD static inline int plx_proxy_open(plx_proxy **proxy_out,
                                               const plx_proxy_options *options)
{
    return plx_proxy_open_sized(proxy_out, options, sizeof *options, sizeof *options->conn);
}

/** What plx_proxy_conn_options() calls, with the size of its caller's struct (docs/growing.md). */
PLX_API void plx_proxy_conn_options_sized(const plx_proxy *proxy, plx_conn_options *options_out,
                                          size_t options_bytes);

/**
 * Fills in the options for plx_listen_options.conn, for plx_listen() and plx_server_listen() under
 * every policy that makes connections; also for plx_conn_adopt(). Do not change them. Any thread.
 *
 * A connection then waits for its header. Meanwhile plx_conn_is_open() returns 0,
 * plx_conn_data() NULL, and plx_server_drain() asks nobody about it: it is busy until its header
 * is complete or its time is over. After the header the options of plx_proxy_options.conn apply as
 * after plx_conn_become(): on_open is called, and on_data is shown what follows the header. After
 * a header with is_local or PLX_PROXY_UNKNOWN, too: a health check is served like all others.
 * plx_conn_peer() still tells the proxy's address.
 */
static inline void plx_proxy_conn_options(const plx_proxy *proxy, plx_conn_options *options_out)
{
    plx_proxy_conn_options_sized(proxy, options_out, sizeof *options_out);
}

/**
 * Frees it. NULL is allowed. First close the loops or servers that listen with it: neither a
 * listener nor a connection that waits for its header may be open. Any thread.
 */
PLX_API void plx_proxy_close(plx_proxy *proxy);

#ifdef __cplusplus
}
#endif
#endif
