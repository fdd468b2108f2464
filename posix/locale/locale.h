/* posix/locale/locale.h - what setlocale.c tells the files of this folder that speak POSIX. */
#ifndef PLX__POSIX_LOCALE_H
#define PLX__POSIX_LOCALE_H

#include <stddef.h>

/* Whether the environment asks for the C locale. */
int plx__locale_is_plain(int category);
/* Before a thread's own locale, by uselocale(), is set for the process; and when the thread has
 * none any more, whereupon the last one brings back that of setlocale(). */
void plx__locale_borrow(void);
void plx__locale_return(void);
/* Whether it takes no room of its own beside the character before it. */
int plx__wide_is_mark(wchar_t one);

#endif
