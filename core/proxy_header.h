/* core/proxy_header.h - headers of the PROXY protocol, for connections that begin with one. */
#ifndef PLX__PROXY_HEADER_H
#define PLX__PROXY_HEADER_H

#include <pollux/proxy_protocol.h>

/* How long the header is, of which these bytes are the beginning and perhaps no more: 0 if they do
 * not tell. For bytes that plx_proxy_parse() does not refuse. */
size_t plx__proxy_header_length(const void *bytes, size_t length);

#endif
