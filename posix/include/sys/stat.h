/* sys/stat.h - what is known of a file. */
#ifndef PLX_POSIX_SYS_STAT_H
#define PLX_POSIX_SYS_STAT_H

#include <plx_posix/base.h>
#include <plx_posix/stat.h>

/* mingw-w64's header of this name is replaced as a whole. */
#define _INC_STAT

#define S_IFMT   0170000
#define S_IFIFO  0010000
#define S_IFCHR  0020000
#define S_IFDIR  0040000
#define S_IFBLK  0060000
#define S_IFREG  0100000
#define S_IFLNK  0120000
#define S_IFSOCK 0140000
#define S_ISUID  04000
#define S_ISGID  02000
#define S_ISVTX  01000
#define S_IRWXU  0700
#define S_IRUSR  0400
#define S_IWUSR  0200
#define S_IXUSR  0100
#define S_IRWXG  0070
#define S_IRGRP  0040
#define S_IWGRP  0020
#define S_IXGRP  0010
#define S_IRWXO  0007
#define S_IROTH  0004
#define S_IWOTH  0002
#define S_IXOTH  0001
#define S_IREAD  S_IRUSR
#define S_IWRITE S_IWUSR
#define S_IEXEC  S_IXUSR

#define S_ISREG(mode)  (((mode)&S_IFMT) == S_IFREG)
#define S_ISDIR(mode)  (((mode)&S_IFMT) == S_IFDIR)
#define S_ISCHR(mode)  (((mode)&S_IFMT) == S_IFCHR)
#define S_ISBLK(mode)  (((mode)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(mode) (((mode)&S_IFMT) == S_IFIFO)
#define S_ISLNK(mode)  (((mode)&S_IFMT) == S_IFLNK)
#define S_ISSOCK(mode) (((mode)&S_IFMT) == S_IFSOCK)

#define UTIME_NOW  ((1L << 30) - 1L)
#define UTIME_OMIT ((1L << 30) - 2L)

PLX_POSIX_BEGIN

int stat(const char *path, struct stat *about) PLX_POSIX_CALL(stat);
int lstat(const char *path, struct stat *about) PLX_POSIX_NEW(lstat);
int fstat(int fd, struct stat *about) PLX_POSIX_CALL(fstat);
int chmod(const char *path, mode_t mode) PLX_POSIX_CALL(chmod);
int lchmod(const char *path, mode_t mode) PLX_POSIX_NEW(lchmod);
int fchmod(int fd, mode_t mode) PLX_POSIX_NEW(fchmod);
int mkdir(const char *path, mode_t mode) PLX_POSIX_CALL(mkdir);
mode_t umask(mode_t mask) PLX_POSIX_CALL(umask);
int fstatat(int from, const char *path, struct stat *about, int flags) PLX_POSIX_NEW(fstatat);
int fchmodat(int from, const char *path, mode_t mode, int flags) PLX_POSIX_NEW(fchmodat);
int mkfifo(const char *path, mode_t mode) PLX_POSIX_NEW(mkfifo);
int mknod(const char *path, mode_t mode, dev_t device) PLX_POSIX_NEW(mknod);
int mkfifoat(int from, const char *path, mode_t mode) PLX_POSIX_NEW(mkfifoat);
int mknodat(int from, const char *path, mode_t mode, dev_t device) PLX_POSIX_NEW(mknodat);
int mkdirat(int from, const char *path, mode_t mode) PLX_POSIX_NEW(mkdirat);
int futimens(int fd, const struct timespec times[2]) PLX_POSIX_NEW(futimens);
int utimensat(int from, const char *path, const struct timespec times[2], int flags)
    PLX_POSIX_NEW(utimensat);

PLX_POSIX_END
#endif
