/* plx_posix/stat.h - struct stat as POSIX has it. */
#ifndef PLX_POSIX_STAT_H
#define PLX_POSIX_STAT_H

#include <time.h>

#include <plx_posix/base.h>

/* mingw-w64's structures of like names first: the macros below would hit their members. */
#include <_mingw_stat64.h>

struct stat {
    dev_t st_dev;
    ino_t st_ino;
    mode_t st_mode;
    nlink_t st_nlink;
    uid_t st_uid;
    gid_t st_gid;
    dev_t st_rdev;
    off_t st_size;
    blksize_t st_blksize;
    blkcnt_t st_blocks;
    struct timespec st_atim;
    struct timespec st_mtim;
    struct timespec st_ctim;
};
#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
#define st_ctime st_ctim.tv_sec

#endif
