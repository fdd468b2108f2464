/* dirent.h - what is in a directory; names are UTF-8. mingw-w64's header of this name is replaced
 * as a whole.
 */
#ifndef PLX_POSIX_DIRENT_H
#define PLX_POSIX_DIRENT_H

#include <sys/types.h>

#include <plx_posix/base.h>

#ifndef _DIRENT_H_
#define _DIRENT_H_
#endif

#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

#define IFTODT(mode)           (((mode)&0170000) >> 12)
#define DTTOIF(type)           ((type) << 12)
#define MAXNAMLEN              767
#define d_fileno               d_ino
#define _D_ALLOC_NAMLEN(entry) (__builtin_strlen((entry)->d_name) + 1)
#define _D_EXACT_NAMLEN(entry) __builtin_strlen((entry)->d_name)

struct dirent {
    ino_t d_ino;
    off_t d_off;
    unsigned short d_reclen;
    unsigned char d_type;
    char d_name[MAXNAMLEN + 1];
};

typedef struct plx_posix_directory DIR;

PLX_POSIX_BEGIN

DIR *opendir(const char *path) PLX_POSIX_CALL(opendir);
DIR *fdopendir(int fd) PLX_POSIX_NEW(fdopendir);
struct dirent *readdir(DIR *directory) PLX_POSIX_CALL(readdir);
int readdir_r(DIR *directory, struct dirent *entry, struct dirent **result)
    PLX_POSIX_NEW(readdir_r);
int closedir(DIR *directory) PLX_POSIX_CALL(closedir);
void rewinddir(DIR *directory) PLX_POSIX_CALL(rewinddir);
long telldir(DIR *directory) PLX_POSIX_CALL(telldir);
void seekdir(DIR *directory, long place) PLX_POSIX_CALL(seekdir);
int dirfd(DIR *directory) PLX_POSIX_NEW(dirfd);
int scandir(const char *path, struct dirent ***entries, int (*wanted)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)) PLX_POSIX_NEW(scandir);
int alphasort(const struct dirent **left, const struct dirent **right) PLX_POSIX_NEW(alphasort);

PLX_POSIX_END
#endif
