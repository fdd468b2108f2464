/* platform/windows/thread.c - threads, slim reader/writer locks and condition variables. */
#include "platform/os.h"

#include <process.h>

#include "platform/fault.h"

_Static_assert(sizeof(SRWLOCK) <= sizeof(plx__mutex), "plx__mutex holds an SRWLOCK");
_Static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(plx__condition),
               "plx__condition holds a CONDITION_VARIABLE");

plx__atomic_u32 plx__helpers;

typedef struct thread_start {
    plx__thread_fn run;
    void *data;
} thread_start;

static unsigned __stdcall thread_main(void *argument)
{
    thread_start start = *(thread_start *)argument;
    plx__free(argument);
    start.run(start.data);
    return 0;
}

int plx__thread_start(plx__thread *thread_out, plx__thread_fn run, void *data)
{
    if (plx__fault_strikes(PLX__FAULT_THREAD))
        return PLX_ELIMIT;
    thread_start *start = plx__allocate(sizeof *start);
    if (start == NULL)
        return PLX_ENOMEM;
    start->run = run;
    start->data = data;
    uintptr_t handle = _beginthreadex(NULL, 0, thread_main, start, 0, NULL);
    if (handle == 0) {
        plx__fail((int)GetLastError());
        plx__free(start);
        return PLX_ELIMIT;
    }
    thread_out->opaque[0] = (void *)handle;
    return 0;
}

void plx__thread_join(plx__thread *thread)
{
    HANDLE handle = thread->opaque[0];
    (void)WaitForSingleObject(handle, INFINITE);
    (void)CloseHandle(handle);
}

void plx__thread_yield(void)
{
    (void)SwitchToThread();
}

static SRWLOCK *lock_of(plx__mutex *mutex)
{
    return (SRWLOCK *)(void *)mutex->opaque;
}

static CONDITION_VARIABLE *variable_of(plx__condition *condition)
{
    return (CONDITION_VARIABLE *)(void *)condition->opaque;
}

void plx__mutex_open(plx__mutex *mutex)
{
    InitializeSRWLock(lock_of(mutex));
}

void plx__mutex_close(plx__mutex *mutex)
{
    (void)mutex; /* A lock of this kind holds nothing. */
}

void plx__mutex_lock(plx__mutex *mutex)
{
    AcquireSRWLockExclusive(lock_of(mutex));
    plx__fault_taken(PLX__FAULT_LOCK);
}

void plx__mutex_unlock(plx__mutex *mutex)
{
    plx__fault_given(PLX__FAULT_LOCK);
    ReleaseSRWLockExclusive(lock_of(mutex));
}

bool plx__mutex_try(plx__mutex *mutex)
{
    if (!TryAcquireSRWLockExclusive(lock_of(mutex)))
        return false;
    plx__fault_taken(PLX__FAULT_LOCK);
    return true;
}

void plx__condition_open(plx__condition *condition)
{
    InitializeConditionVariable(variable_of(condition));
}

void plx__condition_close(plx__condition *condition)
{
    (void)condition; /* A variable of this kind holds nothing. */
}

bool plx__condition_wait(plx__condition *condition, plx__mutex *mutex, uint64_t timeout_ns)
{
    return SleepConditionVariableSRW(variable_of(condition), lock_of(mutex),
                                     plx__milliseconds(timeout_ns), 0) != 0;
}

void plx__condition_signal(plx__condition *condition)
{
    WakeConditionVariable(variable_of(condition));
}
