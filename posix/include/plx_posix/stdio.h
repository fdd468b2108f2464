/* plx_posix/stdio.h - what POSIX adds to <stdio.h>, and the calls that share the descriptors. */
#ifndef PLX_POSIX_STDIO_H
#define PLX_POSIX_STDIO_H

#include <stdarg.h>

#include <plx_posix/base.h>

#ifndef L_ctermid
#define L_ctermid 9
#endif

#undef popen
#undef pclose

/* Those of mingw-w64 have 32 bits for an offset. */
#define fseeko fseeko64
#define ftello ftello64

PLX_POSIX_BEGIN

FILE *fopen(const char *path, const char *mode) PLX_POSIX_CALL(fopen);
FILE *freopen(const char *path, const char *mode, FILE *stream) PLX_POSIX_CALL(freopen);
FILE *fdopen(int fd, const char *mode) PLX_POSIX_CALL(fdopen);
FILE *popen(const char *command, const char *mode) PLX_POSIX_CALL(popen);
int pclose(FILE *stream) PLX_POSIX_CALL(pclose);
int fclose(FILE *stream) PLX_POSIX_CALL(fclose);
int fflush(FILE *stream) PLX_POSIX_CALL(fflush);
int fileno(FILE *stream) PLX_POSIX_CALL(fileno);
int fgetc(FILE *stream) PLX_POSIX_CALL(fgetc);
int getc(FILE *stream) PLX_POSIX_CALL(getc);
char *fgets(char *text, int size, FILE *stream) PLX_POSIX_CALL(fgets);
size_t fread(void *items, size_t size, size_t count, FILE *stream) PLX_POSIX_CALL(fread);
int fputc(int byte, FILE *stream) PLX_POSIX_CALL(fputc);
int putc(int byte, FILE *stream) PLX_POSIX_CALL(putc);
int fputs(const char *text, FILE *stream) PLX_POSIX_CALL(fputs);
size_t fwrite(const void *items, size_t size, size_t count, FILE *stream) PLX_POSIX_CALL(fwrite);
FILE *fmemopen(void *buffer, size_t size, const char *mode) PLX_POSIX_NEW(fmemopen);
FILE *open_memstream(char **text, size_t *length) PLX_POSIX_NEW(open_memstream);
char *ctermid(char *name) PLX_POSIX_NEW(ctermid);
FILE *tmpfile(void) PLX_POSIX_CALL(tmpfile);
int remove(const char *path) PLX_POSIX_CALL(remove);
int rename(const char *from, const char *to) PLX_POSIX_CALL(rename);
int renameat(int from, const char *path, int to, const char *name) PLX_POSIX_NEW(renameat);
void perror(const char *text) PLX_POSIX_CALL(perror);
ssize_t getline(char **line, size_t *size, FILE *stream) PLX_POSIX_NEW(getline);
ssize_t getdelim(char **line, size_t *size, int end, FILE *stream) PLX_POSIX_NEW(getdelim);
int dprintf(int fd, const char *format, ...) PLX_POSIX_NEW(dprintf) PLX_POSIX_PRINTF(2, 3);
int vdprintf(int fd, const char *format, va_list arguments) PLX_POSIX_NEW(vdprintf)
    PLX_POSIX_PRINTF(2, 0);
int asprintf(char **text, const char *format, ...) PLX_POSIX_CALL(asprintf) PLX_POSIX_PRINTF(2, 3);
int vasprintf(char **text, const char *format, va_list arguments) PLX_POSIX_CALL(vasprintf)
    PLX_POSIX_PRINTF(2, 0);
int setvbuf(FILE *stream, char *buffer, int mode, size_t size) PLX_POSIX_CALL(setvbuf);
void setbuffer(FILE *stream, char *buffer, size_t size) PLX_POSIX_NEW(setbuffer);
void setlinebuf(FILE *stream) PLX_POSIX_NEW(setlinebuf);
int getc_unlocked(FILE *stream) PLX_POSIX_NEW(getc_unlocked);
int getchar_unlocked(void) PLX_POSIX_NEW(getchar_unlocked);
int putc_unlocked(int byte, FILE *stream) PLX_POSIX_NEW(putc_unlocked);
int putchar_unlocked(int byte) PLX_POSIX_NEW(putchar_unlocked);
void flockfile(FILE *stream) PLX_POSIX_NEW(flockfile);
int ftrylockfile(FILE *stream) PLX_POSIX_NEW(ftrylockfile);
void funlockfile(FILE *stream) PLX_POSIX_NEW(funlockfile);

PLX_POSIX_END
#endif
