/* posix/socket/local.c - see local.h. */
#include "posix/socket/local.h"
#include "posix/base/duration.h"

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
    unsigned char process[4];
    unsigned char secret[SECRET_BYTES];
} local_file;

/* What who connects says first. */
typedef struct greeting {
    unsigned char secret[SECRET_BYTES];
    unsigned char process[4];
} greeting;

/* Behind plx__socket.local. All of the process are in a list. */
typedef struct local {
    struct local *next;
    struct local *previous;
    uint16_t port; /* 0: none yet. */
    uint16_t peer_port;
    uint32_t peer_process;
    uint64_t sent; /* Bytes. */
    uint64_t received;
    plx__sockaddr_un name;
    plx__socklen name_length; /* 0: unnamed. */
    plx__sockaddr_un peer;
    plx__socklen peer_length;
    unsigned char secret[SECRET_BYTES];
} local;

/* Parcels from one port to another. It is made when the first is sent, and gone with who was to
 * read them. */
typedef struct flow {
    struct flow *next;
    uint16_t from;
    uint16_t to;
    plx__rights_queue queue;
} flow;

/* Over both lists, all counts, and each call of the system that sends or receives, of which none
 * waits: so a parcel is there when its bytes are. */
static SRWLOCK lock = SRWLOCK_INIT;
static local *locals;
static flow *flows;

static local *local_of(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    if (socket->local != NULL)
        return socket->local;
    local *made = plx__allocate_zeroed(1, sizeof *made);
    if (made == NULL)
        return NULL;
    AcquireSRWLockExclusive(&lock);
    made->next = locals;
    if (locals != NULL)
        locals->previous = made;
    locals = made;
    ReleaseSRWLockExclusive(&lock);
    socket->local = made;
    return made;
}

static void number_write(uint32_t number, unsigned char bytes[4])
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
}

static uint32_t number_read(const unsigned char bytes[4])
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number |= (uint32_t)bytes[i] << 8 * i;
    return number;
}

/* The ports of a connection, by which both ends find each other here. */
static void ports_learn(local *own, SOCKET handle)
{
    struct sockaddr_in here;
    struct sockaddr_in there;
    int here_length = sizeof here;
    int there_length = sizeof there;
    if (getsockname(handle, (struct sockaddr *)&here, &here_length) != 0 ||
        getpeername(handle, (struct sockaddr *)&there, &there_length) != 0)
        return;
    AcquireSRWLockExclusive(&lock);
    own->port = ntohs(here.sin_port);
    own->peer_port = ntohs(there.sin_port);
    ReleaseSRWLockExclusive(&lock);
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
        number_write(GetCurrentProcessId(), content.process);
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
    AcquireSRWLockExclusive(&lock);
    own->port = port;
    ReleaseSRWLockExclusive(&lock);
    plx__atomic_or(&socket->marks, PLX__MARK_BOUND);
    return 0;
}

/* On the loopback both are a matter of microseconds, so nothing is left under way. */
static int connect_now(SOCKET handle, const local_file *content)
{
    plx__address address;
    struct sockaddr_in to;
    u_long off = 0;
    u_long on = 1;
    greeting hello;
    memcpy(hello.secret, content->secret, SECRET_BYTES);
    number_write(GetCurrentProcessId(), hello.process);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((u_short)(content->port[0] << 8 | content->port[1]));
    (void)ioctlsocket(handle, (long)FIONBIO, &off);
    plx__address_take(&address, (struct sockaddr *)&to, sizeof to);
    int status = plx__socket_connect(handle, &address) == 0 ? 0 : plx__errno_of(plx_os_error());
    BOOL no_delay = TRUE;
    (void)setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, (char *)&no_delay, sizeof no_delay);
    if (status == 0 && send(handle, (const char *)&hello, sizeof hello, 0) != (int)sizeof hello)
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
    ports_learn(own, plx__socket_handle(file));
    own->peer_process = number_read(content.process);
    own->peer = name;
    own->peer_length =
        (plx__socklen)(offsetof(plx__sockaddr_un, sun_path) + strlen(name.sun_path) + 1);
    plx__atomic_store_release(&socket->state, PLX__SOCKET_CONNECTED);
    return 0;
}

int plx__local_greet(SOCKET made, plx__file *listener, uint32_t *process_out)
{
    const local *own = plx__socket_of(listener)->local;
    greeting shown;
    size_t count = 0;
    uint64_t deadline = plx__deadline_after(GREETING_MS * PLX_MILLISECOND);
    while (count < sizeof shown) {
        int got = recv(made, (char *)&shown + count, (int)(sizeof shown - count), 0);
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
        different |= (unsigned)(shown.secret[i] ^ own->secret[i]);
    *process_out = number_read(shown.process);
    return different == 0 ? 0 : -EAGAIN;
}

int plx__local_inherit(plx__file *made, plx__file *listener, uint32_t process)
{
    const local *from = plx__socket_of(listener)->local;
    local *to = local_of(made);
    if (to == NULL)
        return -ENOMEM;
    to->name = from->name;
    to->name_length = from->name_length;
    to->peer_process = process;
    ports_learn(to, plx__socket_handle(made));
    return 0;
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

/* --- what is passed along ------------------------------------------------------------------- */

static flow *flow_find(uint16_t from, uint16_t to)
{
    flow *one = flows;
    while (one != NULL && (one->from != from || one->to != to))
        one = one->next;
    return one;
}

static flow *flow_make(uint16_t from, uint16_t to)
{
    flow *one = flow_find(from, to);
    if (one != NULL)
        return one;
    one = plx__allocate_zeroed(1, sizeof *one);
    if (one == NULL)
        return NULL;
    one->from = from;
    one->to = to;
    one->next = flows;
    flows = one;
    return one;
}

/* Who has this port here: an end of that connection, or with `peer_port` 0 who listens. */
static local *local_find(uint16_t port, uint16_t peer_port)
{
    local *one = locals;
    while (one != NULL && (one->port != port || one->peer_port != peer_port))
        one = one->next;
    return one;
}

bool plx__local_is_here(plx__file *file)
{
    const local *own = plx__socket_of(file)->local;
    bool is_here = false;
    AcquireSRWLockShared(&lock);
    if (own != NULL && own->peer_port != 0)
        is_here = local_find(own->peer_port, own->port) != NULL || /* Or is yet to be accepted. */
                  local_find(own->peer_port, 0) != NULL;
    ReleaseSRWLockShared(&lock);
    return is_here;
}

uint32_t plx__local_peer_process(plx__file *file)
{
    const local *own = plx__socket_of(file)->local;
    return own != NULL ? own->peer_process : 0;
}

int plx__local_send(plx__file *file, const void *bytes, int length, int flags, plx__rights **rights)
{
    local *own = plx__socket_of(file)->local;
    flow *of = NULL;
    AcquireSRWLockExclusive(&lock);
    if (rights != NULL && *rights != NULL)
        of = flow_make(own->port, own->peer_port);
    int sent = send(plx__socket_handle(file), bytes, length, flags);
    int code = WSAGetLastError();
    if (sent > 0) {
        if (of != NULL) {
            plx__rights_put(&of->queue, *rights, own->sent, own->sent + (uint64_t)sent);
            *rights = NULL;
        }
        own->sent += (uint64_t)sent;
    }
    ReleaseSRWLockExclusive(&lock);
    WSASetLastError(code);
    return sent;
}

int plx__local_receive(plx__file *file, void *bytes, int size, int flags, plx__extras *extras)
{
    local *own = plx__socket_of(file)->local;
    plx__rights *rights = NULL;
    AcquireSRWLockExclusive(&lock);
    flow *of = flows != NULL ? flow_find(own->peer_port, own->port) : NULL;
    if (of != NULL)
        size = (int)plx__rights_limit(&of->queue, own->received, (size_t)size);
    int got = recv(plx__socket_handle(file), bytes, size, flags);
    int code = WSAGetLastError();
    if (got > 0) {
        bool is_look = (flags & MSG_PEEK) != 0;
        if (of != NULL)
            rights = plx__rights_take(&of->queue, own->received + (uint64_t)got, is_look);
        own->received += is_look ? 0 : (uint64_t)got;
    }
    ReleaseSRWLockExclusive(&lock);
    plx__rights_hand(rights, extras);
    WSASetLastError(code);
    return got;
}

/* The flows that nobody is left to read: to this end of a connection, or to who can be accepted no
 * more. Returns their parcels, in one list. */
static plx__rights *flows_end(const local *own)
{
    plx__rights *unread = NULL;
    for (flow **place = &flows; *place != NULL;) {
        flow *one = *place;
        bool is_over =
            one->to == own->port && (own->peer_port != 0 ? one->from == own->peer_port
                                                         : local_find(one->to, one->from) == NULL);
        if (!is_over) {
            place = &one->next;
            continue;
        }
        *place = one->next;
        if (one->queue.last != NULL) {
            one->queue.last->next = unread;
            unread = one->queue.first;
        }
        plx__free(one);
    }
    return unread;
}

void plx__local_close(plx__file *file)
{
    local *own = plx__socket_of(file)->local;
    if (own == NULL)
        return;
    AcquireSRWLockExclusive(&lock);
    if (own->previous != NULL)
        own->previous->next = own->next;
    else
        locals = own->next;
    if (own->next != NULL)
        own->next->previous = own->previous;
    plx__rights *unread = own->port != 0 ? flows_end(own) : NULL;
    ReleaseSRWLockExclusive(&lock);
    plx__rights_drop(unread);
    plx__free(own);
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
