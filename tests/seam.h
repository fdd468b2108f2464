/* tests/seam.h - a real backend with some operations replaced. */
#ifndef SEAM_H
#define SEAM_H

#include "core/loop.h"
#include "tests/harness.h"

/* The backend's own operations, and the table that the loop calls. */
extern const plx__backend_ops *seam_real;
extern plx__backend_ops seam;

/* Makes the loop call `seam`, a copy of `seam_real` that the case may change at any time. */
void seam_put(plx_loop *loop);
/* Opens such a loop, of the case's configuration. */
plx_loop *seam_loop_open(const world *w);

#endif
