/* tests/sim_scene.h - the simulation and the loops of a run, which its parts share. */
#ifndef SIM_SCENE_H
#define SIM_SCENE_H

#include "tests/sim_work.h"

enum { SIM_LOOPS_MAX = 4 };

typedef struct sim_scene {
    plx_sim *sim;
    plx_sim_faults faults;
    plx_loop *loops[SIM_LOOPS_MAX];
    uint32_t loop_count;
    const sim_limits *limits;
} sim_scene;

#endif
