/* posix/signal/thread_signal.h - pthread_kill()'s way to a thread, for a file that speaks POSIX. */
#ifndef PLX__POSIX_THREAD_SIGNAL_H
#define PLX__POSIX_THREAD_SIGNAL_H

/* To a thread by its HANDLE: 0, or the code of an errno (signals.c). */
int plx__thread_signal(void *handle, int number);

#endif
