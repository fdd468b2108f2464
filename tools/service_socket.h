/* tools/service_socket.h - the services for code that waits: a call for each connection. */
#ifndef TOOLS_SERVICE_SOCKET_H
#define TOOLS_SERVICE_SOCKET_H

#include "tools/service.h"

/* A connection, as such a call sees it. */
struct service_socket {
    plx_server *server;
    plx_socket socket;
    const unsigned char *first; /* Bytes that have been received already, */
    size_t first_length;        /* and not been returned. */
    uint64_t block_ns;          /* For so long the HTTP service sleeps before each answer. */
    service_counts counts;      /* What the call has to say. */
};

/* Waits for bytes. 0 at the end of the stream, when it fails, or after the read timeout. */
size_t service_socket_receive(service_socket *s, unsigned char *bytes, size_t size);
/* Waits until all have been sent. Returns whether that is so. */
bool service_socket_send(service_socket *s, const void *bytes, size_t length);

void service_echo_serve(service_socket *s);
void service_discard_serve(service_socket *s);
void service_http_serve(service_socket *s);

#endif
