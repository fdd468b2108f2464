/* posix/facts.h - what the system alone can tell, for the files that speak POSIX (machine.c). */
#ifndef PLX__POSIX_FACTS_H
#define PLX__POSIX_FACTS_H

#include <stddef.h>
#include <stdint.h>

long plx__processors(void);
/* All pages of memory, or those that are free. */
long plx__memory_pages(int are_free);
/* Where the system's programs are, with slashes; its length, or 0. */
size_t plx__system_directory(char *text, size_t size);
/* A number for this installation of the system: the same each time. */
uint32_t plx__machine_number(void);
/* Whether the environment asks for the C locale (library.c). */
int plx__locale_is_plain(int category);
/* Before a thread's own locale, by uselocale(), is set for the process; and when the thread has
 * none any more, whereupon the last one brings back that of setlocale() (library.c). */
void plx__locale_borrow(void);
void plx__locale_return(void);
/* pthread_kill() of a thread by its HANDLE: 0, or the code of an errno. */
int plx__thread_signal(void *handle, int number);
/* Whether it takes no room of its own beside the character before it. */
int plx__wide_is_mark(wchar_t one);

#endif
