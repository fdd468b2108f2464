/* posix/system/facts.h - what the system alone can tell, for the files that speak POSIX
 * (machine.c). */
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

#endif
