/* fcntl.h - opening, and what can be said of a descriptor. */
#ifndef PLX_POSIX_FCNTL_H
#define PLX_POSIX_FCNTL_H

#include <plx_posix/base.h>
#include <sys/stat.h>

#define O_RDONLY    0x0000
#define O_WRONLY    0x0001
#define O_RDWR      0x0002
#define O_ACCMODE   0x0003
#define O_APPEND    0x0008
#define O_CLOEXEC   0x0080
#define O_CREAT     0x0100
#define O_TRUNC     0x0200
#define O_EXCL      0x0400
#define O_NONBLOCK  0x100000
#define O_NDELAY    O_NONBLOCK
#define O_SYNC      0x200000
#define O_DSYNC     O_SYNC
#define O_DIRECTORY 0x400000
#define O_NOFOLLOW  0x800000
#define O_NOCTTY    0x1000000
#define O_ASYNC     0x2000000
#define O_RSYNC     O_SYNC
#define O_TTY_INIT  0
/* Opened for searching is opened for reading here, and nothing can be opened for execution. */
#define O_SEARCH  O_RDONLY
#define O_EXEC    O_RDONLY
#define FNDELAY   O_NONBLOCK
#define FAPPEND   O_APPEND
#define FNONBLOCK O_NONBLOCK
/* There is no text mode here; programs that know of one are told that both are the same. */
#define O_BINARY 0
#define O_TEXT   0

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_GETLK         5
#define F_SETLK         6
#define F_SETLKW        7
#define F_SETOWN        8
#define F_GETOWN        9
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC      1

#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif

#define POSIX_FADV_NORMAL     0
#define POSIX_FADV_RANDOM     1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED   3
#define POSIX_FADV_DONTNEED   4
#define POSIX_FADV_NOREUSE    5

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS          0x200
#define AT_REMOVEDIR        0x200
#define AT_SYMLINK_FOLLOW   0x400

struct flock {
    short l_type;
    short l_whence;
    off_t l_start;
    off_t l_len;
    pid_t l_pid;
};

PLX_POSIX_BEGIN

int open(const char *path, int flags, ...) PLX_POSIX_CALL(open);
int openat(int from, const char *path, int flags, ...) PLX_POSIX_NEW(openat);
int creat(const char *path, mode_t mode) PLX_POSIX_CALL(creat);
int fcntl(int fd, int command, ...) PLX_POSIX_NEW(fcntl);
int posix_fadvise(int fd, off_t offset, off_t length, int advice) PLX_POSIX_NEW(posix_fadvise);
int posix_fallocate(int fd, off_t offset, off_t length) PLX_POSIX_NEW(posix_fallocate);

PLX_POSIX_END
#endif
