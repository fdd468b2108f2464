/* tests/posix/messages.c - sendmsg() and recvmsg() with control messages of datagrams, urgent data,
 * and what sockets say of themselves.
 */
#include "check.h"
#include "control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static char bytes[256];

static int number_of(const struct cmsghdr *head)
{
    int number = -1;
    if (head != NULL)
        memcpy(&number, CMSG_DATA(head), sizeof number);
    return number;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int get(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, name, &value, &length) == 0 ? value : -1;
}

/* --- datagrams ------------------------------------------------------------------------------ */

static ssize_t datagram_send(int from, int to)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(to, (struct sockaddr *)&address, &length) != 0)
        return -1;
    message.msg_name = &address;
    message.msg_namelen = length;
    return sendmsg(from, &message, 0);
}

static void interfaces_of_four(int from, int to)
{
    struct sockaddr_in name;
    struct in_pktinfo info;
    IS(set(to, IPPROTO_IP, IP_PKTINFO, 1), 0);
    IS(set(to, IPPROTO_IP, IP_RECVTTL, 1), 0);
    IS(set(to, IPPROTO_IP, IP_RECVTOS, 1), 0);
    IS(get(to, IPPROTO_IP, IP_PKTINFO), 1);
    IS(get(to, IPPROTO_IP, IP_RECVTTL), 1);
    IS(set(from, IPPROTO_IP, IP_TTL, 33), 0);
    message_make("abc", 3, 0);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, sizeof control);
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    IS(recvmsg(to, &message, 0), 3);
    TRUE(message.msg_flags == 0);
    IS(message.msg_namelen, sizeof name);
    TRUE(ntohs(name.sin_port) == port_of(from));
    struct cmsghdr *head = control_find(IPPROTO_IP, IP_PKTINFO);
    TRUE(head != NULL && head->cmsg_len == CMSG_LEN(sizeof info));
    memset(&info, 0, sizeof info);
    if (head != NULL)
        memcpy(&info, CMSG_DATA(head), sizeof info);
    IS(ntohl(info.ipi_addr.s_addr), 0x7f000001);
    IS(ntohl(info.ipi_spec_dst.s_addr), 0x7f000001);
    TRUE(info.ipi_ifindex > 0);
    head = control_find(IPPROTO_IP, IP_TTL);
    TRUE(head != NULL && head->cmsg_len == CMSG_LEN(sizeof(int)));
    IS(number_of(head), 33);
    head = control_find(IPPROTO_IP, IP_TOS);
    TRUE(head != NULL && head->cmsg_len == CMSG_LEN(1));
    IS(head != NULL ? *CMSG_DATA(head) : -1, 0);
}

static void options_of_one(int from, int to)
{
    int hops = 44;
    int kind = 0x10;
    unsigned char small = 0x08;
    struct in_pktinfo info;
    section("a time to live and a type of service for one datagram");
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    control_add(IPPROTO_IP, IP_TOS, &kind, sizeof kind);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, sizeof control);
    IS(recvmsg(to, &message, 0), 3);
    IS(number_of(control_find(IPPROTO_IP, IP_TTL)), 44);
    struct cmsghdr *head = control_find(IPPROTO_IP, IP_TOS);
    IS(head != NULL ? *CMSG_DATA(head) : -1, 0x10);
    IS(get(from, IPPROTO_IP, IP_TTL), 33);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_TOS, &small, sizeof small);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, sizeof control);
    IS(recvmsg(to, &message, 0), 3);
    IS(number_of(control_find(IPPROTO_IP, IP_TTL)), 33);
    head = control_find(IPPROTO_IP, IP_TOS);
    IS(head != NULL ? *CMSG_DATA(head) : -1, 0x08);
    memset(&info, 0, sizeof info); /* From anywhere, by any way. */
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    IS(datagram_send(from, to), 3);
    IS(recv(to, bytes, sizeof bytes, 0), 3);
    section("wrong ones");
    hops = 256;
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    FAILS(datagram_send(from, to), EINVAL);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_PKTINFO, &info, sizeof info - 1);
    FAILS(datagram_send(from, to), EINVAL);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, 99, &hops, sizeof hops);
    FAILS(datagram_send(from, to), EINVAL);
    message_make("abc", 3, 0);
    control_add(SOL_SOCKET, 99, &hops, sizeof hops);
    FAILS(datagram_send(from, to), EINVAL);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    control.head.cmsg_len = 3;
    FAILS(datagram_send(from, to), EINVAL);
    control.head.cmsg_len = 300;
    FAILS(datagram_send(from, to), EINVAL);
    message.msg_control = NULL;
    /* A 64-bit Linux looks at no byte of it for a 32-bit program, finds no header, and says EINVAL
     * (net/compat.c, cmsghdr_from_user_compat_to_kern). */
    int null_code = sizeof(size_t) == 4 ? EINVAL : EFAULT;
    FAILS(datagram_send(from, to), null_code);
    message_make("abc", 3, 0);
    control_add(77, 99, &hops, sizeof hops); /* Another protocol's, which is passed over. */
    IS(datagram_send(from, to), 3);
    IS(recv(to, bytes, sizeof bytes, 0), 3);
}

static void sources(int to)
{
    struct in_pktinfo info;
    struct sockaddr_in name;
    int from = socket(AF_INET, SOCK_DGRAM, 0);
    section("a source for one datagram");
    memset(&info, 0, sizeof info);
    info.ipi_spec_dst.s_addr = htonl(0x7f000002);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, 0);
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    IS(recvmsg(to, &message, 0), 3);
    /* Wine 8 does not heed what WSASendMsg() is given beside the bytes. */
    TRUE(ntohl(name.sin_addr.s_addr) == 0x7f000002 ||
         (IS_WINDOWS && ntohl(name.sin_addr.s_addr) == 0x7f000001));
    (void)close(from);
}

static void truncations(int from, int to)
{
    section("what there is no room for");
    message_make("abc", 3, 0);
    IS(datagram_send(from, to), 3);
    message_make(bytes, 2, 0);
    IS(recvmsg(to, &message, 0), 2);
    TRUE(message.msg_flags == (MSG_TRUNC | MSG_CTRUNC));
    message_make("abc", 3, 0);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, CMSG_LEN(sizeof(struct in_pktinfo)) - 2);
    IS(recvmsg(to, &message, 0), 3);
    TRUE(message.msg_flags == MSG_CTRUNC);
    message_make("abc", 3, 0);
    IS(datagram_send(from, to), 3);
    message_make(bytes, 2, sizeof control);
    IS(recvmsg(to, &message, MSG_PEEK), 2);
    TRUE(message.msg_flags == MSG_TRUNC);
    TRUE(control_find(IPPROTO_IP, IP_PKTINFO) != NULL);
    message_make(bytes, 2, sizeof control);
    IS(recvmsg(to, &message, 0), 2);
    TRUE(message.msg_flags == MSG_TRUNC);
    IS(number_of(control_find(IPPROTO_IP, IP_TTL)), 33);
    message_make(bytes, 2, sizeof control);
    FAILS(recvmsg(to, &message, MSG_DONTWAIT), EAGAIN);
    IS(set(to, IPPROTO_IP, IP_PKTINFO, 0), 0);
    IS(set(to, IPPROTO_IP, IP_RECVTTL, 0), 0);
    IS(set(to, IPPROTO_IP, IP_RECVTOS, 0), 0);
    message_make("abc", 3, 0);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, sizeof control);
    IS(recvmsg(to, &message, 0), 3);
    TRUE(message.msg_flags == 0);
    IS(message.msg_controllen, 0);
}

static void datagrams_of_six(void)
{
    struct sockaddr_in6 address;
    struct in6_pktinfo info;
    int hops = 55;
    section("datagrams: IPv6");
    int from = socket(AF_INET6, SOCK_DGRAM, 0);
    int to = socket(AF_INET6, SOCK_DGRAM, 0);
    memset(&address, 0, sizeof address);
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    IS(bind(to, (struct sockaddr *)&address, sizeof address), 0);
    IS(set(to, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
    IS(set(to, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops);
    IS(datagram_send(from, to), 3);
    message_make(bytes, sizeof bytes, sizeof control);
    IS(recvmsg(to, &message, 0), 3);
    struct cmsghdr *head = control_find(IPPROTO_IPV6, IPV6_PKTINFO);
    TRUE(head != NULL && head->cmsg_len == CMSG_LEN(sizeof info));
    memset(&info, 0, sizeof info);
    if (head != NULL)
        memcpy(&info, CMSG_DATA(head), sizeof info);
    TRUE(IN6_IS_ADDR_LOOPBACK(&info.ipi6_addr));
    TRUE(info.ipi6_ifindex > 0);
    IS(number_of(control_find(IPPROTO_IPV6, IPV6_HOPLIMIT)), 55);
    hops = 300;
    message_make("abc", 3, 0);
    control_add(IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops);
    FAILS(datagram_send(from, to), EINVAL);
    (void)close(from);
    (void)close(to);
}

static void datagrams(void)
{
    section("datagrams: which way they came");
    int from = bound(SOCK_DGRAM);
    int to = bound(SOCK_DGRAM);
    interfaces_of_four(from, to);
    options_of_one(from, to);
    sources(to);
    truncations(from, to);
    (void)close(from);
    (void)close(to);
    datagrams_of_six();
}

static void several(void)
{
    struct mmsghdr many[3];
    struct iovec parts[3];
    uint64_t controls[3][8];
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    section("several at once");
    int from = bound(SOCK_DGRAM);
    int to = bound(SOCK_DGRAM);
    IS(set(to, IPPROTO_IP, IP_PKTINFO, 1), 0);
    IS(getsockname(to, (struct sockaddr *)&address, &length), 0);
    memset(many, 0, sizeof many);
    for (int i = 0; i < 3; i++) {
        parts[i].iov_base = "abcdef";
        parts[i].iov_len = (size_t)i + 1;
        many[i].msg_hdr.msg_iov = &parts[i];
        many[i].msg_hdr.msg_iovlen = 1;
        many[i].msg_hdr.msg_name = &address;
        many[i].msg_hdr.msg_namelen = sizeof address;
    }
    IS(sendmmsg(from, many, 3, 0), 3);
    IS(many[2].msg_len, 3);
    wait_for(to, POLLIN);
    memset(many, 0, sizeof many);
    for (int i = 0; i < 3; i++) {
        parts[i].iov_base = bytes + 16 * i;
        parts[i].iov_len = 16;
        many[i].msg_hdr.msg_iov = &parts[i];
        many[i].msg_hdr.msg_iovlen = 1;
        many[i].msg_hdr.msg_control = &controls[i];
        many[i].msg_hdr.msg_controllen = sizeof controls[i];
    }
    IS(recvmmsg(to, many, 2, 0, NULL), 2);
    IS(many[1].msg_len, 2);
    IS(many[0].msg_hdr.msg_controllen, CMSG_SPACE(sizeof(struct in_pktinfo)));
    IS(recvmmsg(to, many, 3, MSG_DONTWAIT, NULL), 1);
    IS(many[0].msg_len, 3);
    (void)close(from);
    (void)close(to);
}

/* --- what sockets say of themselves --------------------------------------------------------- */

static void selves(void)
{
    int ends[2];
    struct ucred peer;
    struct tcp_info info;
    socklen_t length = sizeof peer;
    section("what sockets say of themselves");
    int datagrams_only = bound(SOCK_DGRAM);
    int listener = bound(SOCK_STREAM);
    tcp_pair(ends);
    IS(get(datagrams_only, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    TRUE(get(datagrams_only, SOL_SOCKET, SO_DOMAIN) == AF_INET);
    IS(get(datagrams_only, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    IS(get(listener, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    IS(get(listener, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    IS(get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    IS(get(ends[0], SOL_SOCKET, SO_ACCEPTCONN), 0);
    IS(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    IS(peer.pid, 0);
    length = sizeof info;
    memset(&info, 0, sizeof info);
    int status = getsockopt(ends[0], IPPROTO_TCP, TCP_INFO, &info, &length);
    /* Wine 8 knows no SIO_TCP_INFO. */
    TRUE(status == 0 ? info.tcpi_state == TCP_ESTABLISHED && info.tcpi_snd_mss > 0
                     : IS_WINDOWS && errno == ENOPROTOOPT);
    FAILS(getsockopt(datagrams_only, IPPROTO_TCP, TCP_INFO, &info, &length), EOPNOTSUPP);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(listener);
    (void)close(datagrams_only);
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    IS(get(ends[0], SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    IS(get(ends[0], SOL_SOCKET, SO_DOMAIN), AF_UNIX);
    IS(get(ends[0], SOL_SOCKET, SO_PROTOCOL), 0);
    IS(get(ends[0], SOL_SOCKET, SO_ACCEPTCONN), 0);
    length = sizeof peer;
    IS(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    TRUE(peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid());
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void urgent(void)
{
    int ends[2];
    fd_set set;
    section("urgent data");
    tcp_pair(ends);
    POLLS(ends[1], POLLPRI, "");
    IS(send(ends[0], "u", 1, MSG_OOB), 1);
    COMES(ends[1], POLLPRI, "PRI");
    FD_ZERO(&set);
    FD_SET(ends[1], &set);
    IS(select(ends[1] + 1, NULL, NULL, &set, NULL), 1);
    TRUE(FD_ISSET(ends[1], &set));
    IS(send(ends[0], "bytes", 5, 0), 5);
    COMES(ends[1], POLLIN, "IN");
    POLLS(ends[1], POLLIN | POLLPRI, "IN|PRI");
    IS(recv(ends[1], bytes, sizeof bytes, MSG_OOB), 1);
    POLLS(ends[1], POLLIN | POLLPRI, "IN");
    IS(recv(ends[1], bytes, sizeof bytes, 0), 5);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    urgent();
    datagrams();
    several();
    selves();
    return check_end();
}
