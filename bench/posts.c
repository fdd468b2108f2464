/* bench/posts.c - the work with posts: how many a second get from other threads to the loop's. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/contestant.h"

#define THREADS_MAX 16u

typedef struct poster {
    const bench_post_ops *ops;
    size_t count;
    unsigned long long full; /* How often the queue was. */
    pthread_t thread;
} poster;

static size_t posts_left;

bool bench_post_ran(void)
{
    posts_left--;
    return posts_left > 0;
}

static void *poster_run(void *data)
{
    poster *self = data;
    for (size_t i = 0; i < self->count; i++) {
        while (!self->ops->post()) {
            self->full++;
            (void)sched_yield();
        }
    }
    return NULL;
}

void bench_posts_run(const bench_post_ops *ops, unsigned threads, size_t count)
{
    poster posters[THREADS_MAX];
    unsigned long long full = 0;
    if (threads > THREADS_MAX || !ops->open())
        bench_fail("the loop does not open");
    posts_left = count / threads * threads;
    size_t total = posts_left;
    uint64_t cpu_ns = bench_cpu_ns();
    uint64_t start_ns = bench_clock_ns();
    for (unsigned i = 0; i < threads; i++) {
        posters[i] = (poster){.ops = ops, .count = count / threads};
        if (pthread_create(&posters[i].thread, NULL, poster_run, &posters[i]) != 0)
            bench_fail("a thread does not start");
    }
    ops->run();
    double seconds = (double)(bench_clock_ns() - start_ns) / 1e9;
    double cpu = (double)(bench_cpu_ns() - cpu_ns) / (double)total;
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(posters[i].thread, NULL);
        full += posters[i].full;
    }
    if (posts_left != 0)
        bench_fail("posts were lost");
    printf("{\"per_second\": %.0f, \"cpu_ns\": %.2f, \"posts\": %zu, \"full\": %llu}\n",
           (double)total / seconds, cpu, total, full);
}
