/* tests/sim_post.c - owns the posts of a run. */
#include "tests/sim_post.h"

#include "platform/platform.h"
#include "tests/fuzz_check.h"

typedef struct post {
    plx_post_fn run;
    void *data;
    uint32_t loop;
} post;

typedef struct posts {
    const sim_scene *scene;
    uint64_t pending; /* Made, and not run yet. */
} posts;

static posts s;

static void on_post(plx_loop *loop, void *data, int status)
{
    const post p = *(post *)data;
    plx__free(data);
    s.pending--;
    CHECK(loop == s.scene->loops[p.loop]);
    p.run(loop, p.data, status);
}

void sim_post(uint32_t loop, plx_post_fn run, void *data)
{
    post *p = plx__allocate(sizeof *p);
    CHECK(p != NULL);
    *p = (post){.run = run, .data = data, .loop = loop};
    s.pending++;
    CHECK(plx_post(s.scene->loops[loop], on_post, p) == 0);
}

void sim_posts_begin(const sim_scene *scene)
{
    s = (posts){.scene = scene};
}

void sim_posts_end(void)
{
    CHECK(s.pending == 0);
}
