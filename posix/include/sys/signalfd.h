/* sys/signalfd.h - signals that are read. */
#ifndef PLX_POSIX_SYS_SIGNALFD_H
#define PLX_POSIX_SYS_SIGNALFD_H

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

#define SFD_CLOEXEC  0x80
#define SFD_NONBLOCK 0x100000

struct signalfd_siginfo {
    uint32_t ssi_signo;
    int32_t ssi_errno;
    int32_t ssi_code;
    uint32_t ssi_pid;
    uint32_t ssi_uid;
    int32_t ssi_fd;
    uint32_t ssi_tid;
    uint32_t ssi_band;
    uint32_t ssi_overrun;
    uint32_t ssi_trapno;
    int32_t ssi_status;
    int32_t ssi_int;
    uint64_t ssi_ptr;
    uint64_t ssi_utime;
    uint64_t ssi_stime;
    uint64_t ssi_addr;
    uint16_t ssi_addr_lsb;
    uint8_t plx_posix_rest[46];
};

PLX_POSIX_BEGIN

int signalfd(int fd, const sigset_t *mask, int flags) PLX_POSIX_NEW(signalfd);

PLX_POSIX_END
#endif
