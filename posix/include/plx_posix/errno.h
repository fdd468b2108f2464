/* plx_posix/errno.h - the codes that mingw-w64's <errno.h> lacks, and the one it has wrong.
 *
 * The layer itself includes this too. Codes above 200 are the layer's own.
 */
#ifndef PLX_POSIX_ERRNO_H
#define PLX_POSIX_ERRNO_H

/* 140 in Microsoft's C library; POSIX programs compare with either name. */
#undef EWOULDBLOCK
#define EWOULDBLOCK EAGAIN

#ifndef ENOTBLK
#define ENOTBLK 201
#endif
#ifndef ESOCKTNOSUPPORT
#define ESOCKTNOSUPPORT 202
#endif
#ifndef EPFNOSUPPORT
#define EPFNOSUPPORT 203
#endif
#ifndef ESHUTDOWN
#define ESHUTDOWN 204
#endif
#ifndef ETOOMANYREFS
#define ETOOMANYREFS 205
#endif
#ifndef EHOSTDOWN
#define EHOSTDOWN 206
#endif
#ifndef EUSERS
#define EUSERS 207
#endif
#ifndef EDQUOT
#define EDQUOT 208
#endif
#ifndef ESTALE
#define ESTALE 209
#endif
#ifndef EREMOTE
#define EREMOTE 210
#endif
#ifndef EREMOTEIO
#define EREMOTEIO 211
#endif
#ifndef EMULTIHOP
#define EMULTIHOP 212
#endif
#ifndef ENONET
#define ENONET 213
#endif
#ifndef ECOMM
#define ECOMM 214
#endif

#endif
