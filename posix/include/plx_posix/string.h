/* plx_posix/string.h - what POSIX and BSD add to <string.h> and <strings.h>. */
#ifndef PLX_POSIX_STRING_H
#define PLX_POSIX_STRING_H

#include <plx_posix/locale_type.h>

#undef strcasecmp
#undef strncasecmp
#undef strtok_r

PLX_POSIX_BEGIN

char *strerror(int code) PLX_POSIX_CALL(strerror);
int strerror_r(int code, char *text, size_t size) PLX_POSIX_NEW(strerror_r);
int strcasecmp(const char *left, const char *right) PLX_POSIX_CALL(strcasecmp);
int strncasecmp(const char *left, const char *right, size_t length) PLX_POSIX_CALL(strncasecmp);
int strcasecmp_l(const char *left, const char *right, locale_t locale) PLX_POSIX_NEW(strcasecmp_l);
int strncasecmp_l(const char *left, const char *right, size_t length, locale_t locale)
    PLX_POSIX_NEW(strncasecmp_l);
int strcoll_l(const char *left, const char *right, locale_t locale) PLX_POSIX_NEW(strcoll_l);
size_t strxfrm_l(char *to, const char *from, size_t size, locale_t locale) PLX_POSIX_NEW(strxfrm_l);
char *strerror_l(int code, locale_t locale) PLX_POSIX_NEW(strerror_l);
char *strcasestr(const char *text, const char *part) PLX_POSIX_NEW(strcasestr);
char *strdup(const char *text) PLX_POSIX_CALL(strdup);
char *strndup(const char *text, size_t length) PLX_POSIX_NEW(strndup);
char *strsep(char **text, const char *ends) PLX_POSIX_NEW(strsep);
char *strtok_r(char *text, const char *ends, char **rest) PLX_POSIX_CALL(strtok_r);
char *stpcpy(char *to, const char *from) PLX_POSIX_NEW(stpcpy);
char *stpncpy(char *to, const char *from, size_t size) PLX_POSIX_NEW(stpncpy);
char *index(const char *text, int byte) PLX_POSIX_NEW(index);
char *rindex(const char *text, int byte) PLX_POSIX_NEW(rindex);
char *strchrnul(const char *text, int byte) PLX_POSIX_NEW(strchrnul);
char *strsignal(int number) PLX_POSIX_NEW(strsignal);
size_t strlcpy(char *to, const char *from, size_t size) PLX_POSIX_NEW(strlcpy);
size_t strlcat(char *to, const char *from, size_t size) PLX_POSIX_NEW(strlcat);
void *memmem(const void *bytes, size_t size, const void *part, size_t part_size)
    PLX_POSIX_NEW(memmem);
void *memrchr(const void *bytes, int byte, size_t size) PLX_POSIX_NEW(memrchr);
void explicit_bzero(void *bytes, size_t size) PLX_POSIX_NEW(explicit_bzero);
void *rawmemchr(const void *bytes, int byte) PLX_POSIX_NEW(rawmemchr);
int strverscmp(const char *left, const char *right) PLX_POSIX_NEW(strverscmp);
const char *sigabbrev_np(int number) PLX_POSIX_NEW(sigabbrev_np);
const char *sigdescr_np(int number) PLX_POSIX_NEW(sigdescr_np);
const char *strerrorname_np(int code) PLX_POSIX_NEW(strerrorname_np);
const char *strerrordesc_np(int code) PLX_POSIX_NEW(strerrordesc_np);
int ffs(int bits) PLX_POSIX_NEW(ffs);
int ffsl(long bits) PLX_POSIX_NEW(ffsl);
int ffsll(long long bits) PLX_POSIX_NEW(ffsll);
#define bzero(bytes, size)      ((void)memset((bytes), 0, (size)))
#define bcopy(from, to, size)   ((void)memmove((to), (from), (size)))
#define bcmp(left, right, size) memcmp((left), (right), (size))

PLX_POSIX_END
#endif
