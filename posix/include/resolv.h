/* resolv.h - the system's resolver needs no start; there are no queries of one's own. What a
 * program asks of the resolver by _res is kept for it, to no effect.
 */
#ifndef PLX_POSIX_RESOLV_H
#define PLX_POSIX_RESOLV_H

#include <netinet/in.h>

#define MAXNS          3
#define MAXDNSRCH      6
#define RES_INIT       0x00000001
#define RES_DEBUG      0x00000002
#define RES_AAONLY     0x00000004
#define RES_USEVC      0x00000008
#define RES_PRIMARY    0x00000010
#define RES_IGNTC      0x00000020
#define RES_RECURSE    0x00000040
#define RES_DEFNAMES   0x00000080
#define RES_STAYOPEN   0x00000100
#define RES_DNSRCH     0x00000200
#define RES_NOALIASES  0x00001000
#define RES_ROTATE     0x00004000
#define RES_USE_EDNS0  0x00100000
#define RES_USE_DNSSEC 0x00800000
#define RES_DEFAULT    (RES_RECURSE | RES_DEFNAMES | RES_DNSRCH)

struct __res_state {
    int retrans; /* Seconds. */
    int retry;
    unsigned long options;
    int nscount;
    struct sockaddr_in nsaddr_list[MAXNS];
    unsigned short id;
    unsigned int ndots;
};
typedef struct __res_state *res_state;

PLX_POSIX_BEGIN

int res_init(void) PLX_POSIX_NEW(res_init);
/* The thread's own. */
struct __res_state *plx_posix_res_state(void);
#define _res (*plx_posix_res_state())

PLX_POSIX_END
#endif
