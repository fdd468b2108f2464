/* tests/polled_endpoint.h - an endpoint with what readiness.c and pollers keep in front of it, for
 * tests that ask them without a loop.
 */
#ifndef POLLED_ENDPOINT_H
#define POLLED_ENDPOINT_H

#include "backends/readiness/poller.h"

typedef struct polled_endpoint {
    plx__polled polled;
    plx__endpoint endpoint;
} polled_endpoint;

#endif
