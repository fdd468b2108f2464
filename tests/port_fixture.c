/* tests/port_fixture.c - see port_fixture.h. */
#include "tests/port_fixture.h"

#include <string.h>

#include "backends/settings.h"

static plx__backend_report report;
static const uint64_t settings[] = {[PLX__IOCP_ACCEPTS_AHEAD] = 16};
const plx__backend_config fixture_config = {
    .receive_bytes = FIXTURE_RECEIVE_BYTES, .settings = settings, .report = &report};

void fixture_open(fixture *f, plx_socket socket)
{
    fixture_open_ahead(f, socket, settings[PLX__IOCP_ACCEPTS_AHEAD]);
}

void fixture_open_ahead(fixture *f, plx_socket socket, uint64_t accepts_ahead)
{
    const uint64_t own[] = {[PLX__IOCP_ACCEPTS_AHEAD] = accepts_ahead};
    plx__backend_config config = fixture_config;
    config.settings = own;
    memset(f, 0, sizeof *f);
    report = (plx__backend_report){.due_ns = UINT64_MAX};
    f->ops = plx__backend_find("iocp");
    ck_assert_uint_le(f->ops->endpoint_bytes, FIXTURE_FRONT);
    ck_ok(f->ops->open(&f->backend, &config));
    f->endpoint.token = 1;
    f->endpoint.socket = socket;
    ck_ok(f->ops->attach(f->backend, &f->endpoint, PLX__MADE));
}

void fixture_close(fixture *f)
{
    ck_assert(f->ops->detach(f->backend, &f->endpoint));
    f->ops->close(f->backend);
}

plx__completion fixture_completion(fixture *f)
{
    const plx__completion *completion;
    uint64_t until = plx__clock_now() + patience();
    while ((completion = f->ops->next(f->backend)) == NULL) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_ok(f->ops->wait(f->backend, 10 * PLX_MILLISECOND));
    }
    ck_assert_ptr_eq(completion->endpoint, &f->endpoint);
    return *completion;
}

void fixture_expect_nothing(fixture *f)
{
    for (int i = 0; i < 10; i++) {
        ck_ok(f->ops->wait(f->backend, PLX_MILLISECOND));
        ck_assert_ptr_null(f->ops->next(f->backend));
    }
}

void fixture_fill(fixture *f, const unsigned char *bytes, size_t length)
{
    for (int idle = 0; idle < 3;) {
        const plx__slice slice = plx__slice_of(bytes, length);
        ptrdiff_t sent = f->ops->send(f->backend, &f->endpoint, &slice, 1);
        ck_assert_int_ge(sent, 0);
        idle = sent == 0 ? idle + 1 : 0;
        ck_ok(f->ops->wait(f->backend, 0));
    }
}
