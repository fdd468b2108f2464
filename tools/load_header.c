/* tools/load_header.c - the PROXY header with which connections of a load begin.
 *
 * As a proxy would write it whose client has connected from this very address. A Unix-domain socket
 * has none that could be told.
 */
#include "tools/load_header.h"

#include <pollux/pollux.h>

size_t load_header_write(plx_loop *loop, plx_conn conn, uint32_t version)
{
    unsigned char header[PLX_PROXY_HEADER_MAX];
    char local[PLX_ADDRESS_TEXT_MAX];
    char peer[PLX_ADDRESS_TEXT_MAX];
    int length = PLX_EADDRESS;
    if (plx_conn_local(loop, conn, local, sizeof local) == 0 &&
        plx_conn_peer(loop, conn, peer, sizeof peer) == 0)
        length = plx_proxy_write(header, sizeof header, version, local, peer);
    if (length == PLX_EADDRESS)
        length = plx_proxy_write(header, sizeof header, version, NULL, NULL);
    if (length <= 0 || plx_conn_write(loop, conn, header, (size_t)length) != 0)
        return 0;
    return (size_t)length;
}
