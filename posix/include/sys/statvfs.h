/* sys/statvfs.h - volumes: how large they are, and how much is free. */
#ifndef PLX_POSIX_SYS_STATVFS_H
#define PLX_POSIX_SYS_STATVFS_H

#include <plx_posix/base.h>

#define ST_RDONLY 1
#define ST_NOSUID 2

struct statvfs {
    unsigned long f_bsize;
    unsigned long f_frsize;
    fsblkcnt_t f_blocks;
    fsblkcnt_t f_bfree;
    fsblkcnt_t f_bavail;
    fsfilcnt_t f_files;
    fsfilcnt_t f_ffree;
    fsfilcnt_t f_favail;
    unsigned long f_fsid;
    unsigned long f_flag;
    unsigned long f_namemax;
};

PLX_POSIX_BEGIN

int statvfs(const char *path, struct statvfs *volume) PLX_POSIX_NEW(statvfs);
int fstatvfs(int fd, struct statvfs *volume) PLX_POSIX_NEW(fstatvfs);

PLX_POSIX_END
#endif
