/* tests/port_fixture.h - the backend "iocp" without a loop, and one endpoint of it. */
#ifndef PORT_FIXTURE_H
#define PORT_FIXTURE_H

#include "backends/backend.h"
#include "tests/harness.h"

enum { FIXTURE_RECEIVE_BYTES = 4096, FIXTURE_FRONT = 64 };

/* What the backend is opened with: 16 accepts ahead. */
extern const plx__backend_config fixture_config;

/* An endpoint, and the backend's own bytes in front of it. */
typedef struct fixture {
    const plx__backend_ops *ops;
    plx__backend *backend;
    union {
        uint64_t align;
        unsigned char bytes[FIXTURE_FRONT];
    } front;
    plx__endpoint endpoint;
} fixture;

void fixture_open(fixture *f, plx_socket socket);
/* The same with so many accepts ahead. */
void fixture_open_ahead(fixture *f, plx_socket socket, uint64_t accepts_ahead);
/* Detaches the endpoint and closes the backend. */
void fixture_close(fixture *f);
/* The next completion, which must come. */
plx__completion fixture_completion(fixture *f);
/* What must not come has its chance. */
void fixture_expect_nothing(fixture *f);
/* Fills what the system takes at once. */
void fixture_fill(fixture *f, const unsigned char *bytes, size_t length);

#endif
