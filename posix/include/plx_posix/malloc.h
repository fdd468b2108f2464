/* plx_posix/malloc.h - aligned memory, for <stdlib.h> and <malloc.h>.
 *
 * free() and realloc() take it by their plain names, so a program may bring its own of all four.
 */
#ifndef PLX_POSIX_MALLOC_H
#define PLX_POSIX_MALLOC_H

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

int posix_memalign(void **memory, size_t alignment, size_t size) PLX_POSIX_NEW(posix_memalign);
void *aligned_alloc(size_t alignment, size_t size) PLX_POSIX_NEW(aligned_alloc);

PLX_POSIX_END
#endif
