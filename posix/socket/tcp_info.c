/* posix/socket/tcp_info.c - TCP_INFO: what the system tells of a connection (SIO_TCP_INFO, since
 * Windows 10 1703), in Linux's structure. Wine 8 has nothing of the kind.
 */
#include "posix/socket/socket.h"

#include <string.h>

#define SIO_TCP_INFO_CODE _WSAIORW(IOC_VENDOR, 39)

/* As TCP_INFO_v0 (mstcpip.h, SDK 10.0.15063), which mingw-w64 declares for newer systems only. */
typedef struct os_info {
    int state; /* TCPSTATE: from CLOSED on, in this order: listen, SYN sent, SYN received... */
    uint32_t mss;
    uint64_t connected_ms;
    uint8_t has_timestamps;
    uint32_t rtt_us;
    uint32_t least_rtt_us;
    uint32_t in_flight;
    uint32_t congestion_window; /* Bytes, as all of the following. */
    uint32_t send_window;
    uint32_t receive_window;
    uint32_t receive_buffer;
    uint64_t sent;
    uint64_t received;
    uint32_t reordered;
    uint32_t sent_again;
    uint32_t fast_retransmits;
    uint32_t duplicate_acks;
    uint32_t timeouts;
    uint8_t syns_again;
} os_info;

static uint8_t state_of(int os_state)
{
    static const uint8_t states[] = {PLX__TCP_CLOSE,     PLX__TCP_LISTEN,      PLX__TCP_SYN_SENT,
                                     PLX__TCP_SYN_RECV,  PLX__TCP_ESTABLISHED, PLX__TCP_FIN_WAIT1,
                                     PLX__TCP_FIN_WAIT2, PLX__TCP_CLOSE_WAIT,  PLX__TCP_CLOSING,
                                     PLX__TCP_LAST_ACK,  PLX__TCP_TIME_WAIT};
    return os_state >= 0 && (size_t)os_state < sizeof states ? states[os_state]
                                                             : (uint8_t)PLX__TCP_CLOSE;
}

int plx__tcp_info(plx__file *file, void *value, plx__socklen *length)
{
    DWORD version = 0;
    DWORD returned = 0;
    os_info os;
    plx__tcp_report info;
    memset(&os, 0, sizeof os);
    memset(&info, 0, sizeof info);
    if (WSAIoctl(plx__socket_handle(file), SIO_TCP_INFO_CODE, &version, sizeof version, &os,
                 sizeof os, &returned, NULL, NULL) != 0)
        return -ENOPROTOOPT;
    uint32_t mss = os.mss != 0 ? os.mss : 1;
    info.state = state_of(os.state);
    info.options = os.has_timestamps ? 1 : 0; /* TCPI_OPT_TIMESTAMPS. */
    info.snd_mss = os.mss;
    info.rcv_mss = os.mss;
    info.advmss = os.mss;
    info.rtt = os.rtt_us;
    info.unacked = (os.in_flight + mss - 1) / mss; /* Segments on Linux. */
    info.snd_cwnd = (os.congestion_window + mss - 1) / mss;
    info.rcv_space = os.receive_window;
    info.total_retrans = (os.sent_again + mss - 1) / mss;
    if (*length > sizeof info)
        *length = sizeof info;
    memcpy(value, &info, *length);
    return 0;
}
