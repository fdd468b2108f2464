/* core/post_waiters.c - owns the list; calls nobody in it. */
#include "core/post_waiters.h"

typedef struct plx__post_waiter {
    struct plx__post_waiter *next;
    plx__post post;
} plx__post_waiter;

static void list_enter(plx__post_waiters *waiters)
{
    while (plx__atomic_exchange(&waiters->lock, 1) != 0)
        plx__thread_yield();
}

static void list_leave(plx__post_waiters *waiters)
{
    plx__atomic_store_release(&waiters->lock, 0);
}

void plx__post_waiters_init(plx__post_waiters *waiters)
{
    plx__atomic_store(&waiters->count, 0);
    plx__atomic_store(&waiters->lock, 0);
    waiters->first = NULL;
    waiters->end = &waiters->first;
    waiters->has_ended = false;
}

void plx__post_waiters_close(plx__post_waiters *waiters)
{
    for (plx__post_waiter *waiter = waiters->first, *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        plx__free(waiter);
    }
    waiters->first = NULL;
}

int plx__post_waiters_add(plx__post_waiters *waiters, plx__post post)
{
    plx__post_waiter *waiter = plx__allocate(sizeof *waiter);
    if (waiter == NULL)
        return PLX_ENOMEM;
    waiter->next = NULL;
    waiter->post = post;
    list_enter(waiters);
    bool has_ended = waiters->has_ended;
    if (!has_ended) {
        *waiters->end = waiter;
        waiters->end = &waiter->next;
        (void)plx__atomic_add(&waiters->count, 1);
    }
    list_leave(waiters);
    if (has_ended)
        plx__free(waiter);
    return has_ended ? PLX_ECANCELED : 0;
}

bool plx__post_waiters_take(plx__post_waiters *waiters, plx__post *waiter_out)
{
    list_enter(waiters);
    plx__post_waiter *waiter = waiters->first;
    if (waiter != NULL) {
        waiters->first = waiter->next;
        if (waiters->first == NULL)
            waiters->end = &waiters->first;
        (void)plx__atomic_add(&waiters->count, UINT32_MAX);
    }
    list_leave(waiters);
    if (waiter == NULL)
        return false;
    *waiter_out = waiter->post;
    plx__free(waiter);
    return true;
}

void plx__post_waiters_end(plx__post_waiters *waiters)
{
    list_enter(waiters);
    waiters->has_ended = true;
    list_leave(waiters);
}

void plx__post_waiters_renew(plx__post_waiters *waiters)
{
    uint32_t count = 0;
    waiters->end = &waiters->first;
    for (; *waiters->end != NULL; count++)
        waiters->end = &(*waiters->end)->next;
    plx__atomic_store(&waiters->count, count);
    plx__atomic_store(&waiters->lock, 0);
}
