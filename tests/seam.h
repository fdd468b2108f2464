/* tests/seam.h - a real backend with some operations replaced. */
#ifndef SEAM_H
#define SEAM_H

#include "core/loop.h"
#include "tests/harness.h"

/* The operations as they are, and those that are called. */
extern const plx__backend_ops *seam_real;
extern plx__backend_ops seam;

/* From now on the loop goes by `seam`, which is as `seam_real`, to be changed at any time. */
void seam_put(plx_loop *loop);
/* A loop of the case's configuration that does. */
plx_loop *seam_loop_open(const world *w);

#endif
