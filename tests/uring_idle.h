/* tests/uring_idle.h - a connection on uring of which nothing is in flight, so that a test may say
 * what its requests and completions are.
 */
#ifndef URING_IDLE_H
#define URING_IDLE_H

#include "backends/uring/uring.h"
#include "tests/harness.h"

typedef struct uring_idle {
    probe p;
    peer client;
    plx__backend *backend;
    plx__uring_endpoint *uring;
    plx__endpoint *endpoint;
    plx__completion completion; /* What core was told last. */
} uring_idle;

/* It is paused. */
void uring_idle_open(world *w, uring_idle *i);
/* Whatever a test has put there is taken back before the connection closes. */
void uring_idle_close(world *w, uring_idle *i);
/* As if the kernel had brought this while the last turn ran, and `next` were to come to it. */
void uring_bring(plx__backend *backend, struct io_uring_cqe cqe);

#endif
