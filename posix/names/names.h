/* posix/names/names.h - the old calls for hosts, whose answers live with the thread. */
#ifndef PLX__NAMES_H
#define PLX__NAMES_H

#include "posix/base/base.h"

PLX__CALL plx__hostent *plx_posix_gethostbyname2(const char *name, int family);
PLX__CALL plx__hostent *plx_posix_gethostbyaddr(const void *address, plx__socklen length,
                                                int family);
/* What h_errno is. */
int *plx_posix_h_errno(void);

#endif
