/* tests/posix/gnu.h - see gnu.c. */
#ifndef GNU_H
#define GNU_H

void gnu_functions(void);

#endif
