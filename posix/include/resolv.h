/* resolv.h - the system's resolver needs no start; there are no queries of one's own. */
#ifndef PLX_POSIX_RESOLV_H
#define PLX_POSIX_RESOLV_H

#include <netinet/in.h>

#define MAXNS     3
#define RES_INIT  0x1
#define RES_DEBUG 0x2

PLX_POSIX_BEGIN

int res_init(void) PLX_POSIX_NEW(res_init);

PLX_POSIX_END
#endif
