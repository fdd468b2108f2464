/* tests/winsock_double_lie.c - what the double says of the clock, of names, of providers and of
 * tables, and what it refuses that Wine takes: see winsock_double.h. */
#define WINSOCK_DOUBLE_ITSELF
#include "tests/winsock_double.h"

#include <string.h>

/* --- the clock -------------------------------------------------------------------------------
 */

#define SECOND UINT64_C(1000000000)

static uint64_t forward_ns;
static LONGLONG stopped_at; /* 0: it is not. */

void winsock_double_clock_stop(bool is_stopped)
{
    LARGE_INTEGER count;
    (void)QueryPerformanceCounter(&count);
    stopped_at = is_stopped ? count.QuadPart : 0;
}

void winsock_double_clock_forward(uint64_t duration_ns)
{
    forward_ns += duration_ns;
}

BOOL WINAPI double_QueryPerformanceCounter(LARGE_INTEGER *count)
{
    LARGE_INTEGER frequency;
    BOOL result = QueryPerformanceCounter(count);
    (void)QueryPerformanceFrequency(&frequency);
    if (stopped_at != 0)
        count->QuadPart = stopped_at;
    uint64_t per_second = (uint64_t)frequency.QuadPart;
    uint64_t seconds = forward_ns / SECOND;
    uint64_t rest = forward_ns % SECOND * per_second / SECOND;
    count->QuadPart += (LONGLONG)(seconds * per_second + rest);
    return result;
}

/* --- names and providers ---------------------------------------------------------------------
 */

static uint32_t bound;
static bool is_hiding_names;
static bool is_behind_a_layer;

void double_bound_remember(const struct sockaddr *name)
{
    if (name->sa_family == AF_INET)
        bound = ntohl(((const struct sockaddr_in *)(const void *)name)->sin_addr.s_addr);
}

uint32_t winsock_double_bound(void)
{
    return bound;
}

void winsock_double_hide_names(bool is_hiding)
{
    is_hiding_names = is_hiding;
}

void double_name_hide(struct sockaddr *name)
{
    if (is_hiding_names && name->sa_family == AF_INET)
        ((struct sockaddr_in *)(void *)name)->sin_addr.s_addr = htonl(INADDR_ANY);
}

void winsock_double_layer(bool is_layered)
{
    is_behind_a_layer = is_layered;
}

void double_layer_put(int level, int name, char *value)
{
    if (is_behind_a_layer && level == SOL_SOCKET && name == SO_PROTOCOL_INFOW)
        ((WSAPROTOCOL_INFOW *)(void *)value)->dwServiceFlags1 &= ~(DWORD)XP1_IFS_HANDLES;
}

/* --- tables ----------------------------------------------------------------------------------
 */

static const uint16_t *rows;
static uint32_t rows_count;
static uint32_t rows_told;

void winsock_double_rows(const uint16_t *ports, uint32_t count, uint32_t told)
{
    rows = ports;
    rows_count = count;
    rows_told = told;
}

/* A count, and the rows. The upper half of a port may be anything (tcpmib.h, MIB_TCPROW). */
bool double_rows_write(void *table, DWORD *size, size_t row_bytes, size_t port_at, DWORD *result)
{
    DWORD needed = (DWORD)(sizeof(DWORD) + rows_count * row_bytes);
    if (rows == NULL)
        return false;
    *result = *size < needed ? ERROR_INSUFFICIENT_BUFFER : NO_ERROR;
    if (*size < needed) {
        *size = needed;
        return true;
    }
    unsigned char *at = table;
    memset(at, 0, needed);
    memcpy(at, &rows_told, sizeof rows_told);
    for (uint32_t i = 0; i < rows_count; i++) {
        DWORD port = 0xABCD0000u | htons(rows[i]);
        memcpy(at + sizeof(DWORD) + i * row_bytes + port_at, &port, sizeof port);
    }
    return true;
}

/* --- calls -----------------------------------------------------------------------------------
 */

static size_t take;

void winsock_double_take(size_t bytes)
{
    take = bytes;
}

size_t double_take(size_t bytes)
{
    size_t taken = take != 0 && take < bytes ? take : bytes;
    take = 0;
    return taken;
}

/* "Any unused members of this structure should always be initialized to zero before the structure
 * is used in a function call. Otherwise, the function may fail and return ERROR_INVALID_PARAMETER."
 * (minwinbase.h, OVERLAPPED) And the library has one buffer for each; a second one is none. */
bool double_can_start(const OVERLAPPED *overlapped, DWORD buffers)
{
    if (overlapped == NULL)
        return true;
    if (overlapped->Offset == 0 && overlapped->OffsetHigh == 0 && overlapped->hEvent == NULL &&
        buffers <= 1)
        return true;
    WSASetLastError(buffers <= 1 ? ERROR_INVALID_PARAMETER : WSAEFAULT);
    return false;
}

/* -1 is for a text that ends with a zero; another negative length is none. */
int WINAPI double_MultiByteToWideChar(UINT page, DWORD flags, const char *text, int length,
                                      wchar_t *out, int size)
{
    return length < -1 ? 0 : MultiByteToWideChar(page, flags, text, length, out, size);
}

bool double_is_any(const struct sockaddr *name)
{
    if (name->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)name)->sin_addr.s_addr == INADDR_ANY;
    return name->sa_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)(const void *)name)->sin6_addr);
}
