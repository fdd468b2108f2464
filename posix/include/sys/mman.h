/* sys/mman.h - files in memory, and memory of nobody's. */
#ifndef PLX_POSIX_SYS_MMAN_H
#define PLX_POSIX_SYS_MMAN_H

#include <plx_posix/base.h>

#define PROT_NONE     0
#define PROT_READ     1
#define PROT_WRITE    2
#define PROT_EXEC     4
#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MAP_ANON      MAP_ANONYMOUS
#define MAP_FAILED    ((void *)-1)
#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4
#define MCL_CURRENT   1
#define MCL_FUTURE    2

/* Advice that has no effect. (None where it would have one: MADV_DONTNEED empties memory.) */
#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3

#define POSIX_MADV_NORMAL     0
#define POSIX_MADV_RANDOM     1
#define POSIX_MADV_SEQUENTIAL 2
#define POSIX_MADV_WILLNEED   3
#define POSIX_MADV_DONTNEED   4

PLX_POSIX_BEGIN

void *mmap(void *wanted, size_t length, int protection, int flags, int fd, off_t offset)
    PLX_POSIX_NEW(mmap);
int munmap(void *address, size_t length) PLX_POSIX_NEW(munmap);
int msync(void *address, size_t length, int flags) PLX_POSIX_NEW(msync);
int mprotect(void *address, size_t length, int protection) PLX_POSIX_CALL(mprotect);
int madvise(void *address, size_t length, int advice) PLX_POSIX_NEW(madvise);
int mlockall(int flags) PLX_POSIX_NEW(mlockall);
int munlockall(void) PLX_POSIX_NEW(munlockall);
int mlock(const void *address, size_t length) PLX_POSIX_NEW(mlock);
int munlock(const void *address, size_t length) PLX_POSIX_NEW(munlock);
int posix_madvise(void *address, size_t length, int advice) PLX_POSIX_NEW(posix_madvise);
int shm_open(const char *name, int flags, mode_t mode) PLX_POSIX_NEW(shm_open);
int shm_unlink(const char *name) PLX_POSIX_NEW(shm_unlink);

PLX_POSIX_END
#endif
