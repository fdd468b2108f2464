/* dlfcn.h - libraries that are loaded by name. */
#ifndef PLX_POSIX_DLFCN_H
#define PLX_POSIX_DLFCN_H

#include <plx_posix/base.h>

#define RTLD_LAZY    1
#define RTLD_NOW     2
#define RTLD_LOCAL   0
#define RTLD_GLOBAL  0x100
#define RTLD_DEFAULT ((void *)0)

PLX_POSIX_BEGIN

void *dlopen(const char *path, int flags) PLX_POSIX_NEW(dlopen);
void *dlsym(void *library, const char *name) PLX_POSIX_NEW(dlsym);
int dlclose(void *library) PLX_POSIX_NEW(dlclose);
char *dlerror(void) PLX_POSIX_NEW(dlerror);

PLX_POSIX_END
#endif
