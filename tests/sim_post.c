/* tests/sim_post.c - owns the posts of a run, and what other threads do.
 *
 * Another thread may act at any instruction: while a loop sleeps, and at each step of a wait
 * (platform/hook.h), also at the one at which the loop has looked for posts and does not sleep yet.
 * What it posts runs before the virtual clock has moved, but for what turns and a late wake take;
 * and before any later post to the same loop. A stop ends the loop's run as soon.
 */
#include "tests/sim_post.h"

#include "platform/hook.h"
#include "platform/platform.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"

/* What turns take, those of others included: a few microseconds each, and many posts that wait for
 * room in the smallest queue need as many. */
#define TURNS_NS     (500 * PLX_MICROSECOND)
#define LATE_WAKE_NS (20 * PLX_MILLISECOND)

#define ACTS_MAX  100u
#define STEPS_MAX 40u

typedef struct post {
    plx_post_fn run; /* NULL: another thread has made it, and it does nothing. */
    void *data;
    uint64_t order; /* Among all that were made. */
    uint64_t made_ns;
    uint32_t loop;
} post;

/* What has run on a loop, and how it is stopped. */
typedef struct target {
    uint64_t posted, told; /* The orders of the last post and of the last call for room. */
    uint64_t stopped_ns;
    bool is_stopped; /* By another thread, and its run has not ended since. */
} target;

typedef struct posts {
    const sim_scene *scene;
    target targets[SIM_LOOPS_MAX];
    uint64_t made;
    uint64_t pending; /* Made, and not run yet. */
    uint64_t acts;
    uint32_t acts_left;
    uint32_t steps_each; /* Other threads act at one of so many steps. */
    bool is_over;
} posts;

static posts s;

/* --- posts ----------------------------------------------------------------------------------- */

static void time_check(uint64_t since_ns)
{
    const plx_sim_faults *faults = &s.scene->faults;
    const uint64_t late_ns = TURNS_NS + (faults->late_wakes != 0 ? LATE_WAKE_NS : 0);
    CHECK(plx_sim_now(s.scene->sim) <= since_ns + late_ns || faults->slow_steps != 0);
}

static void order_check(const post *p, const plx_loop *loop, uint64_t *last)
{
    CHECK(loop == s.scene->loops[p->loop]);
    CHECK(p->order > *last);
    *last = p->order;
}

static void post_run(post *p, plx_loop *loop, int status)
{
    const post copy = *p;
    plx__free(p);
    s.pending--;
    if (copy.run != NULL)
        copy.run(loop, copy.data, status);
}

static void post_stamp(post *p)
{
    p->order = ++s.made;
    p->made_ns = plx_sim_now(s.scene->sim);
}

static post *post_make(uint32_t loop, plx_post_fn run, void *data)
{
    post *p = plx__allocate(sizeof *p);
    CHECK(p != NULL);
    *p = (post){.run = run, .data = data, .loop = loop};
    post_stamp(p);
    s.pending++;
    return p;
}

static void on_post(plx_loop *loop, void *data, int status)
{
    post *p = data;
    order_check(p, loop, &s.targets[p->loop].posted);
    if (status == 0)
        time_check(p->made_ns);
    post_run(p, loop, status);
}

/* There is room now, or the loop closes. */
static void on_room(plx_loop *loop, void *data, int status)
{
    post *p = data;
    order_check(p, loop, &s.targets[p->loop].told);
    if (status == 0)
        time_check(p->made_ns);
    if (status != 0 || p->run == NULL) {
        post_run(p, loop, status);
        return;
    }
    post_stamp(p);
    CHECK(plx_post(loop, on_post, p) == 0);
}

void sim_post(uint32_t loop, plx_post_fn run, void *data)
{
    post *p = post_make(loop, run, data);
    int status = plx_post(s.scene->loops[loop], on_post, p);
    if (status == PLX_ENOBUFS)
        status = plx_post_notify(s.scene->loops[loop], on_room, p);
    CHECK(status == 0);
}

/* --- stops ----------------------------------------------------------------------------------- */

static void stop(uint32_t loop)
{
    target *t = &s.targets[loop];
    if (!t->is_stopped)
        t->stopped_ns = plx_sim_now(s.scene->sim);
    t->is_stopped = true;
    plx_loop_stop(s.scene->loops[loop]);
}

int sim_post_turn(plx_loop *loop, uint64_t timeout_ns)
{
    uint32_t number = 0;
    int status = plx_loop_run_turn(loop, timeout_ns);
    if (status != 0 || s.is_over)
        return status;
    while (s.scene->loops[number] != loop)
        number++;
    target *t = &s.targets[number];
    CHECK(t->is_stopped); /* It keeps running, so nothing else ends its run. */
    time_check(t->stopped_ns);
    t->is_stopped = false;
    return 1;
}

void sim_posts_stop(void)
{
    s.is_over = true;
    for (uint32_t i = 0; i < s.scene->loop_count; i++)
        plx_loop_stop(s.scene->loops[i]);
}

/* --- other threads --------------------------------------------------------------------------- */

static void act(uint32_t loop)
{
    s.acts++;
    switch (chance_below(4)) {
    case 0:
        stop(loop);
        break;
    case 1:
        CHECK(plx_post_notify(s.scene->loops[loop], on_room, post_make(loop, NULL, NULL)) == 0);
        break;
    default:
        sim_post(loop, NULL, NULL);
        break;
    }
}

/* The steps tell nothing of whose wait it is: of several loops, any is acted upon. */
static void on_step(enum plx__hook_step step, void *data)
{
    (void)step;
    (void)data;
    if (s.acts_left == 0 || s.is_over || !one_in(s.steps_each))
        return;
    s.acts_left--;
    act((uint32_t)chance_below(s.scene->loop_count));
}

uint64_t sim_posts_acts(void)
{
    return s.acts;
}

/* In some runs nothing but what streams do wakes a loop. */
void sim_posts_begin(const sim_scene *scene)
{
    s = (posts){.scene = scene};
    s.acts_left = one_in(3) ? 0 : 1 + (uint32_t)chance_below(ACTS_MAX);
    s.steps_each = 1 + (uint32_t)chance_below(STEPS_MAX);
    plx__hook_set(on_step, NULL);
}

void sim_posts_quiet(void)
{
    plx__hook_set(NULL, NULL);
}

void sim_posts_end(void)
{
    CHECK(s.pending == 0);
}
