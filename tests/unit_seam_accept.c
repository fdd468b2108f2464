/* tests/unit_seam_accept.c - a backend whose accepts fail one after the other. */
#include "tests/seam.h"

extern const test_case unit_seam_accept_cases[];

static struct accepting {
    plx__endpoint *endpoint;
    plx__completion completion;
    size_t starts;
    int start_fails; /* Starting does, so. */
    plx_listener listener;
    size_t left; /* So many more are told of, and fail so: */
    int status;
    couple good; /* Or are this one's first end. */
    size_t held;
    size_t errors;
    int error;
} accepting;

static int accept_start_is_noted(plx__backend *backend, plx__endpoint *endpoint,
                                 const plx__accept_config *config)
{
    accepting.endpoint = endpoint;
    accepting.starts++;
    return accepting.start_fails != 0 ? accepting.start_fails
                                      : seam_real->accept_start(backend, endpoint, config);
}

static int accept_held_has_many(plx__backend *backend, plx__endpoint *endpoint,
                                plx_socket *socket_out)
{
    (void)backend;
    (void)endpoint;
    accepting.held++;
    return plx__socket_open(socket_out, PLX__FAMILY_IPV4);
}

static const plx__completion *next_accepts(plx__backend *backend)
{
    if (accepting.left == 0)
        return seam_real->next(backend);
    accepting.left--;
    accepting.completion = (plx__completion){
        .endpoint = accepting.endpoint,
        .kind = PLX__ACCEPTED,
        .status = accepting.status,
        .accepted = accepting.status == 0 ? accepting.good.ours.socket : PLX_SOCKET_NONE,
    };
    return &accepting.completion;
}

static void error_is_noted(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)loop;
    (void)listener;
    (void)data;
    accepting.errors++;
    accepting.error = status;
}

static void accepts_come(world *own, size_t count, int status)
{
    accepting.left = count;
    accepting.status = status;
    turn_some(own);
    ck_assert_uint_eq(accepting.left, 0);
}

static void listen_over_a_seam(world *own, const world *w)
{
    const plx_listen_options options = {.on_error = error_is_noted};
    *own = (world){.configuration = w->configuration, .backend = w->backend};
    own->loop = seam_loop_open(w);
    accepting = (struct accepting){.endpoint = NULL};
    seam.accept_start = accept_start_is_noted;
    seam.next = next_accepts;
    ck_ok(plx_listen(own->loop, &accepting.listener, "tcp://127.0.0.1:0", &options));
}

/* Fifteen in a row are each about one connection; with the sixteenth the listener pauses. One that
 * comes through begins the count anew, and so does the pause. */
static void sixteen_aborts_in_a_row_pause_a_listener(world *w)
{
    static const int statuses[] = {PLX_ECONNABORTED, PLX_EACCES};
    for (int i = 0; i < 2; i++) {
        world own;
        listen_over_a_seam(&own, w);
        accepts_come(&own, 15, statuses[i]);
        accepting.good = couple_open();
        accepts_come(&own, 1, 0);
        ck_assert_uint_eq(counter(&own, connections_accepted), 1);
        accepts_come(&own, 15, statuses[i]);
        ck_assert_uint_eq(accepting.errors, 0);
        accepts_come(&own, 1, statuses[i]);
        ck_assert_uint_eq(accepting.errors, 1);
        ck_assert_int_eq(accepting.error, statuses[i]);
        ck_assert_uint_eq(counter(&own, accept_pauses), 1);
        turn_until(&own, &accepting.starts, 2);
        accepts_come(&own, 15, statuses[i]);
        ck_assert_uint_eq(accepting.errors, 1);
        accepts_come(&own, 1, statuses[i]);
        ck_assert_uint_eq(accepting.errors, 2);
        ck_assert_uint_eq(counter(&own, accepts_aborted), 47);
        ck_ok(plx_loop_close(own.loop));
        peer_close(&accepting.good.theirs);
    }
}

/* Without descriptors nobody is turned away before a second try, and then 64 at the most. */
static void few_are_turned_away_at_a_time(world *w)
{
    world own;
    listen_over_a_seam(&own, w);
    seam.accept_held = accept_held_has_many;
    accepts_come(&own, 1, PLX_EMFILE);
    ck_assert_uint_eq(counter(&own, accepts_rejected), 0);
    turn_until(&own, &accepting.starts, 2);
    accepts_come(&own, 1, PLX_EMFILE);
    ck_assert_uint_eq(counter(&own, accepts_rejected), 64);
    ck_assert_uint_eq(accepting.held, 64);
    ck_assert_uint_eq(accepting.errors, 2);
    ck_ok(plx_loop_close(own.loop));
}

/* The next turn tries again, and reports it. */
static void resume_that_fails_is_tried_again(world *w)
{
    world own;
    listen_over_a_seam(&own, w);
    ck_ok(plx_listener_pause(own.loop, accepting.listener));
    accepting.start_fails = PLX_ENOMEM;
    ck_ok(plx_listener_resume(own.loop, accepting.listener));
    turn_until(&own, &accepting.errors, 1);
    ck_assert_int_eq(accepting.error, PLX_ENOMEM);
    accepting.start_fails = 0;
    turn_until(&own, &accepting.starts, accepting.starts + 1);
    ck_ok(plx_loop_close(own.loop));
}

const test_case unit_seam_accept_cases[] = {
    CASE(sixteen_aborts_in_a_row_pause_a_listener),
    CASE(few_are_turned_away_at_a_time),
    CASE(resume_that_fails_is_tried_again),
    CASES_END,
};
