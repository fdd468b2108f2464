/* plx_posix/types.h - the types of <sys/types.h> that mingw-w64 lacks, or has too narrow.
 *
 * Included before mingw-w64's own <sys/types.h>, whose guards for single types it sets: pid_t has
 * 64 bits there, off_t 32 and ino_t 16.
 */
#ifndef PLX_POSIX_TYPES_H
#define PLX_POSIX_TYPES_H

#include <stdint.h>

#ifndef _PID_T_
#define _PID_T_
typedef int _pid_t;
#endif
typedef int pid_t;

#ifndef _MODE_T_
#define _MODE_T_
typedef unsigned short _mode_t;
#endif
typedef unsigned int mode_t;

#ifndef _INO_T_DEFINED
#define _INO_T_DEFINED
typedef unsigned short _ino_t;
#endif
typedef uint64_t ino_t;

#ifndef _DEV_T_DEFINED
#define _DEV_T_DEFINED
typedef unsigned int _dev_t;
#endif
typedef unsigned int dev_t;

typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int id_t;
typedef unsigned int nlink_t;
typedef long blksize_t;
typedef int64_t blkcnt_t;
typedef uint64_t fsblkcnt_t;
typedef uint64_t fsfilcnt_t;
typedef long suseconds_t;
typedef int key_t;
typedef unsigned int socklen_t;
#define socklen_t socklen_t /* Programs ask the preprocessor whether it is there. */

typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef uint8_t u_int8_t;
typedef uint16_t u_int16_t;
typedef uint32_t u_int32_t;
typedef uint64_t u_int64_t;
typedef int64_t quad_t;
typedef uint64_t u_quad_t;
typedef char *caddr_t;
typedef int64_t loff_t;

#endif
