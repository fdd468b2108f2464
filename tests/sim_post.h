/* tests/sim_post.h - what threads make other threads' loops do: posts and stops. */
#ifndef SIM_POST_H
#define SIM_POST_H

#include <pollux/pollux.h>

#include "tests/sim_scene.h"

/* Begins a run. The scene, whose loops need not be open yet, must stay valid until it ends. */
void sim_posts_begin(const sim_scene *scene);
/* Has the function called on the loop of that number, exactly once: also if the queue of posts is
 * full at the moment. */
void sim_post(uint32_t loop, plx_post_fn run, void *data);
/* For plx_sim_add_calls(): a turn of a thread that runs its loop again when the loop was stopped,
 * until sim_posts_stop(). */
int sim_post_turn(plx_loop *loop, uint64_t timeout_ns);
/* Stops all loops for good. */
void sim_posts_stop(void);
/* How many times other threads have acted. */
uint64_t sim_posts_acts(void);
/* No other thread acts any more. */
void sim_posts_quiet(void);
/* Ends a run, whose loops are closed: each post has run. */
void sim_posts_end(void);

#endif
