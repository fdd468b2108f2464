/* platform/posix/local.c - see local.h. */
#include "platform/posix/local.h"

#include <ntsecapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES 16
#define GREETING_MS  1000

static const char magic[] = "!<pollux-socket>";

typedef struct local_file {
    char magic[sizeof magic - 1];
    unsigned char port[2];
    unsigned char secret[SECRET_BYTES];
} local_file;

/* Behind plx__socket.local. */
typedef struct local {
    plx__sockaddr_un name;
    plx__socklen name_length; /* 0: unnamed. */
    plx__sockaddr_un peer;
    plx__socklen peer_length;
    unsigned char secret[SECRET_BYTES];
} local;

static local *local_of(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    if (socket->local == NULL)
        socket->local = plx__allocate_zeroed(1, sizeof(local));
    return socket->local;
}

/* The path of an address, with its NUL. */
static int path_of(const void *address, plx__socklen length, plx__sockaddr_un *name_out)
{
    const size_t head = offsetof(plx__sockaddr_un, sun_path);
    memset(name_out, 0, sizeof *name_out);
    if (address == NULL)
        return -EFAULT;
    if (length < sizeof name_out->sun_family || length > sizeof *name_out)
        return -EINVAL;
    memcpy(name_out, address, length);
    if (name_out->sun_family != AF_UNIX)
        return -EINVAL;
    if (length <= head || name_out->sun_path[0] == '\0')
        return -EOPNOTSUPP; /* Abstract names, and names made up by the system. */
    return memchr(name_out->sun_path, '\0', sizeof name_out->sun_path) != NULL ? 0 : -ENAMETOOLONG;
}

static int loopback_bind(SOCKET handle, uint16_t *port_out)
{
    struct sockaddr_in address;
    int length = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(handle, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(handle, (struct sockaddr *)&address, &length) != 0)
        return plx__errno_last();
    *port_out = ntohs(address.sin_port);
    return 0;
}

/* The mark of such a file, for stat(), is the attribute "system". */
static int file_write(const wchar_t *path, const local_file *content)
{
    DWORD written = 0;
    HANDLE handle =
        CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_SYSTEM, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        int status = plx__errno_last();
        return status == -EEXIST ? -EADDRINUSE : status;
    }
    BOOL is_written = WriteFile(handle, content, sizeof *content, &written, NULL);
    int status = is_written && written == sizeof *content ? 0 : plx__errno_last();
    (void)CloseHandle(handle);
    return status;
}

static int file_read(const wchar_t *path, local_file *content_out)
{
    DWORD got = 0;
    HANDLE handle =
        CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return plx__errno_last();
    BOOL is_read = ReadFile(handle, content_out, sizeof *content_out, &got, NULL);
    (void)CloseHandle(handle);
    if (!is_read || got != sizeof *content_out ||
        memcmp(content_out->magic, magic, sizeof content_out->magic) != 0)
        return -ECONNREFUSED;
    return 0;
}

bool plx__local_is_socket(const wchar_t *path)
{
    local_file content;
    return file_read(path, &content) == 0;
}

int plx__local_bind(plx__file *file, const void *address, plx__socklen length)
{
    plx__socket *socket = plx__socket_of(file);
    local_file content;
    plx__sockaddr_un name;
    uint16_t port = 0;
    int status = path_of(address, length, &name);
    if (status != 0)
        return status;
    if ((plx__atomic_load(&socket->marks) & PLX__MARK_BOUND) != 0)
        return -EINVAL;
    local *own = local_of(file);
    if (own == NULL)
        return -ENOMEM;
    wchar_t *path = plx__path(name.sun_path, &status);
    if (path == NULL)
        return status;
    status = loopback_bind(plx__socket_handle(file), &port);
    if (status == 0 && !RtlGenRandom(own->secret, SECRET_BYTES))
        status = -EIO;
    if (status == 0) {
        memcpy(content.magic, magic, sizeof content.magic);
        content.port[0] = (unsigned char)(port >> 8);
        content.port[1] = (unsigned char)port;
        memcpy(content.secret, own->secret, SECRET_BYTES);
        status = file_write(path, &content);
    }
    plx__free(path);
    if (status != 0) {
        (void)plx__socket_renew(file);
        return status;
    }
    own->name = name;
    own->name_length =
        (plx__socklen)(offsetof(plx__sockaddr_un, sun_path) + strlen(name.sun_path) + 1);
    plx__atomic_or(&socket->marks, PLX__MARK_BOUND);
    return 0;
}

/* On the loopback both are a matter of microseconds, so nothing is left under way. */
static int connect_now(SOCKET handle, const local_file *content)
{
    struct sockaddr_in to;
    u_long off = 0;
    u_long on = 1;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((u_short)(content->port[0] << 8 | content->port[1]));
    (void)ioctlsocket(handle, (long)FIONBIO, &off);
    int status = connect(handle, (struct sockaddr *)&to, sizeof to) == 0 ? 0 : plx__errno_last();
    BOOL no_delay = TRUE;
    (void)setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, (char *)&no_delay, sizeof no_delay);
    if (status == 0 && send(handle, (const char *)content->secret, SECRET_BYTES, 0) != SECRET_BYTES)
        status = -ECONNREFUSED;
    (void)ioctlsocket(handle, (long)FIONBIO, &on);
    return status;
}

int plx__local_connect(plx__file *file, const void *address, plx__socklen length)
{
    plx__socket *socket = plx__socket_of(file);
    plx__sockaddr_un name;
    local_file content;
    int status = path_of(address, length, &name);
    if (status != 0)
        return status == -EOPNOTSUPP ? -ECONNREFUSED : status;
    uint32_t state = plx__atomic_load_acquire(&socket->state);
    if (state != PLX__SOCKET_FRESH)
        return state == PLX__SOCKET_LISTENING ? -EINVAL : -EISCONN;
    local *own = local_of(file);
    wchar_t *path = own != NULL ? plx__path(name.sun_path, &status) : NULL;
    if (path == NULL)
        return own != NULL ? status : -ENOMEM;
    status = file_read(path, &content);
    plx__free(path);
    if (status == 0)
        status = connect_now(plx__socket_handle(file), &content);
    if (status != 0) {
        (void)plx__socket_renew(file);
        return status;
    }
    own->peer = name;
    own->peer_length =
        (plx__socklen)(offsetof(plx__sockaddr_un, sun_path) + strlen(name.sun_path) + 1);
    plx__atomic_store_release(&socket->state, PLX__SOCKET_CONNECTED);
    return 0;
}

int plx__local_greet(SOCKET made, plx__file *listener)
{
    const local *own = plx__socket_of(listener)->local;
    unsigned char shown[SECRET_BYTES];
    size_t count = 0;
    uint64_t deadline = plx__deadline_after(GREETING_MS * PLX_MILLISECOND);
    while (count < SECRET_BYTES) {
        int got = recv(made, (char *)shown + count, (int)(SECRET_BYTES - count), 0);
        if (got > 0) {
            count += (size_t)got;
            continue;
        }
        plx__poll_entry entry = {.fd = made, .events = PLX__POLL_READ, .revents = 0};
        uint64_t now = plx__clock_now();
        if (got == 0 || WSAGetLastError() != WSAEWOULDBLOCK || now >= deadline ||
            plx__poll(&entry, 1, deadline - now) < 0)
            return -EAGAIN;
    }
    unsigned different = 0;
    for (size_t i = 0; i < SECRET_BYTES; i++)
        different |= (unsigned)(shown[i] ^ own->secret[i]);
    return different == 0 ? 0 : -EAGAIN;
}

void plx__local_inherit(plx__file *made, plx__file *listener)
{
    const local *from = plx__socket_of(listener)->local;
    local *to = local_of(made);
    if (to == NULL || from == NULL)
        return;
    to->name = from->name;
    to->name_length = from->name_length;
}

int plx__local_name(plx__file *file, bool is_peer, void *address, plx__socklen *length)
{
    const local *own = plx__socket_of(file)->local;
    plx__sockaddr_un unnamed = {.sun_family = AF_UNIX, .sun_path = ""};
    plx__socklen size = own == NULL ? 0 : is_peer ? own->peer_length : own->name_length;
    const plx__sockaddr_un *name = size == 0 ? &unnamed : is_peer ? &own->peer : &own->name;
    plx__address_give(name, size == 0 ? (int)sizeof unnamed.sun_family : (int)size, address,
                      length);
    return 0;
}

void plx__local_close(plx__file *file)
{
    plx__free(plx__socket_of(file)->local);
}

void plx__local_names_save(const plx__file *file, plx__local_names *names_out)
{
    const local *own = plx__socket_of(file)->local;
    memset(names_out, 0, sizeof *names_out);
    if (own == NULL)
        return;
    names_out->name = own->name;
    names_out->name_length = own->name_length;
    names_out->peer = own->peer;
    names_out->peer_length = own->peer_length;
    memcpy(names_out->secret, own->secret, sizeof names_out->secret);
    names_out->is_there = true;
}

void plx__local_names_load(plx__file *file, const plx__local_names *names)
{
    local *own = names->is_there ? local_of(file) : NULL;
    if (own == NULL)
        return;
    own->name = names->name;
    own->name_length = names->name_length;
    own->peer = names->peer;
    own->peer_length = names->peer_length;
    memcpy(own->secret, names->secret, sizeof names->secret);
}
