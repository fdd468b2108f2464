/* posix/process/libraries.c - libraries that the process loads: dlopen() and its kin. */
#include "posix/base/base.h"

#include <string.h>

static _Thread_local int library_error; /* An errno; 0 when there is nothing to tell. */

PLX__CALL void *plx_posix_dlopen(const char *path, int flags)
{
    int status = 0;
    (void)flags;
    if (path == NULL)
        return GetModuleHandleW(NULL);
    wchar_t *wide = plx__path(path, &status);
    HMODULE library = wide != NULL ? LoadLibraryW(wide) : NULL;
    if (library == NULL)
        library_error = wide != NULL ? -plx__errno_last() : -status;
    plx__free(wide);
    return library;
}

PLX__CALL void *plx_posix_dlsym(void *library, const char *name)
{
    void *symbol = NULL;
    FARPROC found = GetProcAddress(library != NULL ? library : GetModuleHandleW(NULL), name);
    if (found == NULL)
        library_error = -plx__errno_last();
    memcpy(&symbol, &found, sizeof symbol); /* No cast leads from one to the other. */
    return symbol;
}

PLX__CALL int plx_posix_dlclose(void *library)
{
    return library == GetModuleHandleW(NULL) || FreeLibrary(library) ? 0 : -1;
}

PLX__CALL char *plx_posix_dlerror(void)
{
    if (library_error == 0)
        return NULL;
    char *text = plx_posix_strerror(library_error);
    library_error = 0;
    return text;
}
