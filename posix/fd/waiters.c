/* posix/fd/waiters.c - the threads that wait, and who wakes them.
 *
 * No wake is lost: a waiter first counts itself (waiters, the list) and then looks at the state;
 * who changes the state does so first and then looks for waiters. One of them sees the other.
 */
#include "posix/fd/fd.h"

static SRWLOCK list_lock = SRWLOCK_INIT;
static plx__waiter *list; /* The threads that wait now. */
static DWORD thread_key = FLS_OUT_OF_INDEXES;
static INIT_ONCE key_made = INIT_ONCE_STATIC_INIT;

static void WINAPI waiter_end(void *data)
{
    plx__waiter *waiter = data;
    if (waiter == NULL)
        return;
    plx__fd_hook.thread_end();
    plx__wake_close(&waiter->wake);
    for (int i = 0; i < 2; i++) {
        if (waiter->events[i] != NULL)
            (void)CloseHandle(waiter->events[i]);
    }
    plx__free(waiter->entries);
    plx__free(waiter);
}

static BOOL CALLBACK key_make(INIT_ONCE *once, void *data, void **context)
{
    (void)once;
    (void)data;
    (void)context;
    thread_key = FlsAlloc(waiter_end);
    return TRUE;
}

plx__waiter *plx__waiter_get(void)
{
    (void)InitOnceExecuteOnce(&key_made, key_make, NULL, NULL);
    if (thread_key == FLS_OUT_OF_INDEXES)
        return NULL;
    plx__waiter *waiter = FlsGetValue(thread_key);
    if (waiter != NULL)
        return waiter;
    plx__start();
    waiter = plx__allocate_zeroed(1, sizeof *waiter);
    if (waiter == NULL)
        return NULL;
    waiter->wake.reader = waiter->wake.writer = PLX_SOCKET_NONE;
    (void)FlsSetValue(thread_key, waiter);
    return waiter;
}

void plx__waiter_enter(plx__waiter *waiter, plx__file *only, plx__sigset mask)
{
    if (waiter->is_listed) /* A handler has left by longjmp(), of which nothing is known here. */
        plx__waiter_leave(waiter);
    waiter->only = only;
    waiter->mask = mask;
    AcquireSRWLockExclusive(&list_lock);
    waiter->is_listed = true;
    waiter->previous = NULL;
    waiter->next = list;
    if (list != NULL)
        list->previous = waiter;
    list = waiter;
    ReleaseSRWLockExclusive(&list_lock);
}

void plx__waiter_leave(plx__waiter *waiter)
{
    AcquireSRWLockExclusive(&list_lock);
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        list = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    waiter->is_listed = false;
    ReleaseSRWLockExclusive(&list_lock);
}

static void waiter_wake(plx__waiter *waiter)
{
    if (plx__atomic_exchange(&waiter->is_woken, 1) != 0)
        return;
    if (waiter->waits_for_event)
        (void)SetEvent(waiter->events[1]);
    else
        plx__wake_send(&waiter->wake);
}

void plx__file_notify(plx__file *file)
{
    if (plx__atomic_add(&file->waiters, 0) == 0) /* A full barrier, which a plain load is not. */
        return;
    AcquireSRWLockShared(&list_lock);
    for (plx__waiter *waiter = list; waiter != NULL; waiter = waiter->next) {
        if (waiter->only == NULL || waiter->only == file)
            waiter_wake(waiter);
    }
    ReleaseSRWLockShared(&list_lock);
}

void plx__wait_wake_all(void)
{
    AcquireSRWLockShared(&list_lock);
    for (plx__waiter *waiter = list; waiter != NULL; waiter = waiter->next)
        waiter_wake(waiter);
    ReleaseSRWLockShared(&list_lock);
}

bool plx__wait_takes(plx__sigset signals)
{
    AcquireSRWLockShared(&list_lock);
    const plx__waiter *waiter = list;
    while (waiter != NULL && (waiter->mask & signals) != 0)
        waiter = waiter->next;
    ReleaseSRWLockShared(&list_lock);
    return waiter != NULL;
}

/* Each file that is waited for is held by the call that waits, which will not return. */
void plx__wait_abandon(void)
{
    plx__waiter *waiter = plx__waiter_get();
    if (waiter == NULL || !waiter->is_listed)
        return;
    plx__waiter_leave(waiter);
    for (size_t i = 0; i < waiter->count; i++) {
        plx__file *file = waiter->items[i].file;
        if (file == NULL)
            continue;
        (void)plx__atomic_add(&file->waiters, UINT32_MAX);
        plx__file_put(file);
    }
}
