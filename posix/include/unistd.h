/* unistd.h - descriptors, the process, sleeping.
 *
 * In the place of mingw-w64's, which is made of <io.h> and <process.h>.
 */
#ifndef PLX_POSIX_UNISTD_H
#define PLX_POSIX_UNISTD_H
#define _UNISTD_H

#include <getopt.h>
#include <limits.h>

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

#include <plx_posix/mingw_begin.h>

#include <process.h> /* _exit(). */
#include <pthread_unistd.h>

#include <plx_posix/mingw_end.h>

#define _POSIX_VERSION      200809L
#define _POSIX2_VERSION     200809L
#define _POSIX_IPV6         200809L
#define _POSIX_MAPPED_FILES 200809L

#define STDIN_FILENO  0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif

#ifndef F_OK
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4
#endif

#define F_ULOCK 0
#define F_LOCK  1
#define F_TLOCK 2
#define F_TEST  3

#define _POSIX_VDISABLE 0

#include <plx_posix/configuration.h>

PLX_POSIX_BEGIN

#if defined _GNU_SOURCE && !defined environ
extern char **environ;
#endif

ssize_t read(int fd, void *bytes, size_t size) PLX_POSIX_CALL(read);
ssize_t write(int fd, const void *bytes, size_t size) PLX_POSIX_CALL(write);
ssize_t pread(int fd, void *bytes, size_t size, off_t offset) PLX_POSIX_NEW(pread);
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) PLX_POSIX_NEW(pwrite);
int close(int fd) PLX_POSIX_CALL(close);
off_t lseek(int fd, off_t offset, int whence) PLX_POSIX_CALL(lseek);
int dup(int fd) PLX_POSIX_CALL(dup);
int dup2(int from, int to) PLX_POSIX_CALL(dup2);
int dup3(int from, int to, int flags) PLX_POSIX_NEW(dup3);
int pipe(int fds[2]) PLX_POSIX_NEW(pipe);
int pipe2(int fds[2], int flags) PLX_POSIX_NEW(pipe2);
int fsync(int fd) PLX_POSIX_NEW(fsync);
int fdatasync(int fd) PLX_POSIX_NEW(fdatasync);
int ftruncate(int fd, off_t size) PLX_POSIX_CALL(ftruncate);
int truncate(const char *path, off_t size) PLX_POSIX_CALL(truncate);
int isatty(int fd) PLX_POSIX_CALL(isatty);
char *ttyname(int fd) PLX_POSIX_NEW(ttyname);
int access(const char *path, int mode) PLX_POSIX_CALL(access);
int unlink(const char *path) PLX_POSIX_CALL(unlink);
int rmdir(const char *path) PLX_POSIX_CALL(rmdir);
int link(const char *from, const char *to) PLX_POSIX_NEW(link);
int symlink(const char *target, const char *path) PLX_POSIX_NEW(symlink);
ssize_t readlink(const char *path, char *target, size_t size) PLX_POSIX_NEW(readlink);
int chdir(const char *path) PLX_POSIX_CALL(chdir);
char *getcwd(char *path, size_t size) PLX_POSIX_CALL(getcwd);
int chown(const char *path, uid_t user, gid_t group) PLX_POSIX_NEW(chown);
int lchown(const char *path, uid_t user, gid_t group) PLX_POSIX_NEW(lchown);
int fchown(int fd, uid_t user, gid_t group) PLX_POSIX_NEW(fchown);
int chroot(const char *path) PLX_POSIX_NEW(chroot);
int fchdir(int fd) PLX_POSIX_NEW(fchdir);
int faccessat(int from, const char *path, int mode, int flags) PLX_POSIX_NEW(faccessat);
int fchownat(int from, const char *path, uid_t user, gid_t group, int flags)
    PLX_POSIX_NEW(fchownat);
int linkat(int from, const char *path, int to, const char *name, int flags) PLX_POSIX_NEW(linkat);
int symlinkat(const char *target, int from, const char *path) PLX_POSIX_NEW(symlinkat);
ssize_t readlinkat(int from, const char *path, char *target, size_t size) PLX_POSIX_NEW(readlinkat);
int unlinkat(int from, const char *path, int flags) PLX_POSIX_NEW(unlinkat);
int lockf(int fd, int command, off_t length) PLX_POSIX_NEW(lockf);
unsigned int sleep(unsigned int seconds) PLX_POSIX_CALL(sleep);
int usleep(useconds_t microseconds) PLX_POSIX_CALL(usleep);
unsigned int alarm(unsigned int seconds) PLX_POSIX_CALL(alarm);
unsigned int ualarm(useconds_t first, useconds_t then) PLX_POSIX_NEW(ualarm);
int pause(void) PLX_POSIX_NEW(pause);
pid_t getpid(void) PLX_POSIX_CALL(getpid);
pid_t getppid(void) PLX_POSIX_NEW(getppid);
pid_t getpgrp(void) PLX_POSIX_NEW(getpgrp);
pid_t getpgid(pid_t process) PLX_POSIX_NEW(getpgid);
pid_t getsid(pid_t process) PLX_POSIX_NEW(getsid);
pid_t setsid(void) PLX_POSIX_NEW(setsid);
int setpgid(pid_t process, pid_t group) PLX_POSIX_NEW(setpgid);
int setpgrp(void) PLX_POSIX_NEW(setpgrp);
pid_t tcgetpgrp(int fd) PLX_POSIX_NEW(tcgetpgrp);
int tcsetpgrp(int fd, pid_t group) PLX_POSIX_NEW(tcsetpgrp);
pid_t fork(void) PLX_POSIX_NEW(fork);
pid_t vfork(void) PLX_POSIX_NEW(vfork);
int execl(const char *path, const char *first, ...) PLX_POSIX_CALL(execl);
int execlp(const char *file, const char *first, ...) PLX_POSIX_CALL(execlp);
int execv(const char *path, char *const arguments[]) PLX_POSIX_CALL(execv);
int execvp(const char *file, char *const arguments[]) PLX_POSIX_CALL(execvp);
int execve(const char *path, char *const arguments[], char *const environment[])
    PLX_POSIX_CALL(execve);
int execle(const char *path, const char *first, ...) PLX_POSIX_CALL(execle);
int fexecve(int fd, char *const arguments[], char *const environment[]) PLX_POSIX_NEW(fexecve);
uid_t getuid(void) PLX_POSIX_NEW(getuid);
uid_t geteuid(void) PLX_POSIX_NEW(geteuid);
gid_t getgid(void) PLX_POSIX_NEW(getgid);
gid_t getegid(void) PLX_POSIX_NEW(getegid);
int setuid(uid_t user) PLX_POSIX_NEW(setuid);
int seteuid(uid_t user) PLX_POSIX_NEW(seteuid);
int setreuid(uid_t real, uid_t effective) PLX_POSIX_NEW(setreuid);
int setresuid(uid_t real, uid_t effective, uid_t saved) PLX_POSIX_NEW(setresuid);
int setgid(gid_t group) PLX_POSIX_NEW(setgid);
int setegid(gid_t group) PLX_POSIX_NEW(setegid);
int setregid(gid_t real, gid_t effective) PLX_POSIX_NEW(setregid);
int setresgid(gid_t real, gid_t effective, gid_t saved) PLX_POSIX_NEW(setresgid);
int getgroups(int size, gid_t groups[]) PLX_POSIX_NEW(getgroups);
int gethostname(char *name, size_t size) PLX_POSIX_CALL(gethostname);
int sethostname(const char *name, size_t size) PLX_POSIX_NEW(sethostname);
int getdomainname(char *name, size_t size) PLX_POSIX_NEW(getdomainname);
char *getlogin(void) PLX_POSIX_CALL(getlogin);
int getpagesize(void) PLX_POSIX_CALL(getpagesize);
int getdtablesize(void) PLX_POSIX_NEW(getdtablesize);
long sysconf(int name) PLX_POSIX_NEW(sysconf);
long pathconf(const char *path, int name) PLX_POSIX_NEW(pathconf);
long fpathconf(int fd, int name) PLX_POSIX_NEW(fpathconf);
size_t confstr(int name, char *text, size_t size) PLX_POSIX_NEW(confstr);
long gethostid(void) PLX_POSIX_NEW(gethostid);
int getlogin_r(char *name, size_t size) PLX_POSIX_NEW(getlogin_r);
int ttyname_r(int fd, char *name, size_t size) PLX_POSIX_NEW(ttyname_r);
void swab(const void *from, void *to, ssize_t size) PLX_POSIX_CALL(swab);
void sync(void) PLX_POSIX_NEW(sync);
int nice(int increment) PLX_POSIX_NEW(nice);
int getentropy(void *bytes, size_t size) PLX_POSIX_NEW(getentropy);

PLX_POSIX_END
#endif
