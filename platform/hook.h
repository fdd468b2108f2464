/* platform/hook.h - steps, most of them inside of a wait, at which tests act.
 *
 * Between a loop's word that it sleeps and the system call that it sleeps in, another thread or a
 * signal handler may come at any instruction. A test installs a function that is called at each of
 * these steps, on the thread that takes it, and posts, stops or raises a signal there. Compiled in
 * with the tests, like platform/fault.h, and to nothing otherwise.
 */
#ifndef PLX__HOOK_H
#define PLX__HOOK_H

enum plx__hook_step {
    PLX__HOOK_TOLD,    /* The loop has told other threads that it sleeps; its look comes next. */
    PLX__HOOK_LOOKED,  /* It has looked for posts, stops and signals; the backend's wait is next. */
    PLX__HOOK_PREPARE, /* The backend is about to bring what it waits for up to date. */
    PLX__HOOK_ARM,     /* It is about to register its wake, for the first time or anew. */
    PLX__HOOK_ARMED,   /* It has registered its wake. */
    PLX__HOOK_SLEEP,   /* The next thing is the system call that sleeps. */
    PLX__HOOK_SECOND,  /* The same, for the second thread of poll. */
    PLX__HOOK_SEND,    /* A wake has been addressed, and is not sent yet. */
    PLX__HOOK_LEAVE,   /* What a ring holds has been copied, and it is closed next. */
    PLX__HOOK_LISTEN   /* Not of a wait: a socket file is there, and its socket listens next. */
};

#ifdef PLX_FAULTS

typedef void (*plx__hook_fn)(enum plx__hook_step step, void *data);

/* From now on each step calls `run`, on whatever thread takes it; NULL ends that. Returns when no
 * thread is in the function before any more, whose data may go then. Not within `run`. */
void plx__hook_set(plx__hook_fn run, void *data);
void plx__hook(enum plx__hook_step step);

#else
#define plx__hook(step) ((void)0)
#endif
#endif
