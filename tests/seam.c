/* tests/seam.c - see tests/seam.h. */
#include "tests/seam.h"

const plx__backend_ops *seam_real;
plx__backend_ops seam;

void seam_put(plx_loop *loop)
{
    seam_real = loop->ops;
    seam = *seam_real;
    loop->ops = &seam;
}

plx_loop *seam_loop_open(const world *w)
{
    plx_loop *loop = world_loop_open(w);
    seam_put(loop);
    return loop;
}
