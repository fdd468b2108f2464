/* plx_posix/search.h - what POSIX adds to <search.h>. */
#ifndef PLX_POSIX_SEARCH_H
#define PLX_POSIX_SEARCH_H

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

int hcreate(size_t count) PLX_POSIX_NEW(hcreate);
void hdestroy(void) PLX_POSIX_NEW(hdestroy);
ENTRY *hsearch(ENTRY item, ACTION action) PLX_POSIX_NEW(hsearch);
void *lfind(const void *key, const void *first, size_t *number, size_t size,
            int (*compare)(const void *, const void *)) PLX_POSIX_CALL(lfind);
void *lsearch(const void *key, void *first, size_t *number, size_t size,
              int (*compare)(const void *, const void *)) PLX_POSIX_CALL(lsearch);
void insque(void *one, void *after) PLX_POSIX_NEW(insque);
void remque(void *one) PLX_POSIX_NEW(remque);

PLX_POSIX_END
#endif
