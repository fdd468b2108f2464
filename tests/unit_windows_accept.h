/* tests/unit_windows_accept.h - a listener of the completion port without a loop, over the double.
 */
#ifndef UNIT_WINDOWS_ACCEPT_H
#define UNIT_WINDOWS_ACCEPT_H

#include <string.h>

#include "backends/iocp/iocp.h"
#include "platform/os.h"
#include "tests/port_fixture.h"
#include "tests/winsock_double.h"

enum { ACCEPTS = 4 };

typedef struct listening {
    fixture f;
    plx_socket socket;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__accept_config config;
} listening;

static inline void listening_open_ahead(listening *l, bool receive_first, uint64_t accepts_ahead)
{
    l->socket = socket_listening(l->address);
    l->config = (plx__accept_config){.receive_first = receive_first};
    fixture_open_ahead(&l->f, l->socket, accepts_ahead);
}

static inline void listening_open(listening *l, bool receive_first)
{
    listening_open_ahead(l, receive_first, ACCEPTS);
}

static inline int listening_start(listening *l)
{
    int status = l->f.ops->accept_start(l->f.backend, &l->f.endpoint, &l->config);
    l->f.backend->report->due_ns = UINT64_MAX; /* The cases sweep themselves. */
    return status;
}

static inline void listening_close(listening *l)
{
    fixture_close(&l->f);
    plx__socket_close(l->socket);
}

/* Waits until so many accepts have completed, without taking them from the port. */
static inline void await_accepts(unsigned wanted)
{
    uint64_t until = plx__clock_now() + patience();
    while (winsock_double_accepts_completed() < wanted) {
        ck_assert_uint_lt(plx__clock_now(), until);
        (void)SleepEx(1, TRUE);
    }
}

static inline plx__completion expect_accepted(listening *l, int status)
{
    plx__completion completion = fixture_completion(&l->f);
    ck_assert_int_eq(completion.kind, PLX__ACCEPTED);
    ck_assert_int_eq(completion.status, status);
    if (status != 0) {
        ck_assert_uint_eq(completion.accepted, PLX_SOCKET_NONE);
        ck_assert_uint_eq(completion.length, 0);
    }
    return completion;
}

#endif
