/* tests/sim_post.h - posts from loop to loop. */
#ifndef SIM_POST_H
#define SIM_POST_H

#include <pollux/pollux.h>

#include "tests/sim_scene.h"

/* Begins a run, which has the scene until it ends. */
void sim_posts_begin(const sim_scene *scene);
/* Has the function called on the loop of that number, exactly once. */
void sim_post(uint32_t loop, plx_post_fn run, void *data);
/* Ends a run, whose loops are closed: each post has run. */
void sim_posts_end(void);

#endif
