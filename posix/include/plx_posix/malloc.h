/* plx_posix/malloc.h - free() and realloc() that know posix_memalign()'s memory, for <stdlib.h> and
 * <malloc.h>.
 */
#ifndef PLX_POSIX_MALLOC_H
#define PLX_POSIX_MALLOC_H

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

void free(void *memory) PLX_POSIX_CALL(free);
void *realloc(void *memory, size_t size) PLX_POSIX_CALL(realloc);
int posix_memalign(void **memory, size_t alignment, size_t size) PLX_POSIX_NEW(posix_memalign);
void *aligned_alloc(size_t alignment, size_t size) PLX_POSIX_NEW(aligned_alloc);

PLX_POSIX_END
#endif
