/* The simulation of examples/retry.c: the server and clients, each on a loop of its own, on a
 * network that a seed decides. It checks what the server and the clients tell it.
 */
#include "retry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS       "tcp://127.0.0.1:7000"
#define CLIENTS_MAX   2
#define TRANSFERS_MAX 60 /* Of all clients together. */
#define LIMIT_SECONDS 600
#define REST_SECONDS  5 /* For what is in flight after the last answer. */
#define FAILURE_MAX   160

struct run {
    plx_sim *sim;
    uint64_t seed;
    uint64_t chance;
    plx_loop *loops[1 + CLIENTS_MAX]; /* The first is the server's. */
    struct retry_server server;
    struct retry_client clients[CLIENTS_MAX];
    uint32_t count;                                   /* Of the clients. */
    uint32_t applied[CLIENTS_MAX][TRANSFERS_MAX + 1]; /* How often each transfer was. */
    uint32_t finished;
    FILE *trace;
    FILE *json;
    char failure[FAILURE_MAX];
};

static struct {
    uint64_t transfers, repeated, again;
} total;

/* SplitMix64 (G. Steele and others, 2014). */
static uint64_t chance_below(struct run *run, uint64_t bound)
{
    run->chance += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = (run->chance ^ run->chance >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return (mixed ^ mixed >> 31) % bound;
}

/* --- what is recorded ------------------------------------------------------------------------ */

static void on_record(void *data, const plx_sim_record *record)
{
    struct run *run = data;
    char text[192];
    if (run->trace != NULL && plx_sim_record_text(record, text, sizeof text) > 0)
        fputs(text, run->trace);
    if (run->json != NULL && plx_sim_record_json(record, text, sizeof text) > 0)
        fprintf(run->json, ",\n%s", text);
}

/* An event of the application, among the records of the network. */
static void record_event(const struct run *run, const char *text, size_t loop)
{
    uint64_t now_ns = plx_sim_now(run->sim);
    if (run->trace != NULL)
        fprintf(run->trace, "%" PRIu64 ".%09" PRIu64 " %s\n", now_ns / PLX_SECOND,
                now_ns % PLX_SECOND, text);
    if (run->json != NULL)
        fprintf(run->json,
                ",\n{\"name\":\"%s\",\"ph\":\"i\",\"s\":\"p\",\"ts\":%" PRIu64 ".%03" PRIu64
                ",\"pid\":1,\"tid\":%u}",
                text, now_ns / 1000, now_ns % 1000, (unsigned)loop);
}

/* Names the loops: Perfetto shows each as a thread. */
static void json_begin(FILE *json)
{
    fprintf(json, "[\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,"
                  "\"args\":{\"name\":\"server\"}}");
    for (unsigned i = 1; i <= CLIENTS_MAX; i++)
        fprintf(json,
                ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":%u,"
                "\"args\":{\"name\":\"client %u\"}}",
                1 + i, i);
}

/* --- what must hold -------------------------------------------------------------------------- */

/* The first failure is what the run reports. */
static void fail(struct run *run, const char *format, ...)
{
    va_list arguments;
    if (run->failure[0] != '\0')
        return;
    uint64_t now_ns = plx_sim_now(run->sim);
    int length = snprintf(run->failure, FAILURE_MAX,
                          "after %" PRIu64 ".%03" PRIu64 " s: ", now_ns / PLX_SECOND,
                          now_ns % PLX_SECOND / PLX_MILLISECOND);
    va_start(arguments, format);
    (void)vsnprintf(run->failure + length, FAILURE_MAX - (size_t)length, format, arguments);
    va_end(arguments);
    record_event(run, run->failure, 1);
}

static void on_event(void *data, const struct retry_event *event)
{
    struct run *run = data;
    char text[128];
    size_t client = (size_t)event->client - 1;
    uint32_t *applied = &run->applied[client][event->number];
    bool is_server = event->kind == RETRY_APPLIED || event->kind == RETRY_REPEATED ||
                     event->kind == RETRY_AWAY || event->kind == RETRY_FORGOTTEN;
    retry_event_text(event, text, sizeof text);
    record_event(run, text, is_server ? 1 : 2 + client);
    total.transfers += event->kind == RETRY_SENT;
    total.again += event->kind == RETRY_AGAIN;
    total.repeated += event->kind == RETRY_REPEATED;
    run->finished += event->kind == RETRY_FINISHED;
    if (event->kind == RETRY_APPLIED && ++*applied > 1)
        fail(run, "the server applied transfer %" PRIu32 " of client %" PRIu64 " twice",
             event->number, event->client);
    if (event->kind == RETRY_ANSWERED && *applied == 0)
        fail(run, "transfer %" PRIu32 " of client %" PRIu64 " has an answer and was not applied",
             event->number, event->client);
    if (event->kind == RETRY_GAVE_UP)
        fail(run, "client %" PRIu64 " gave up at transfer %" PRIu32, event->client, event->number);
}

/* --- a run ----------------------------------------------------------------------------------- */

/* Each fault is off, rare or frequent: so each is also seen without the others. */
static plx_sim_faults faults_make(struct run *run)
{
    static const uint32_t rates[] = {0, 1000, 10000, 100000};
    plx_sim_faults faults = {0};
    uint32_t *const some[] = {
        &faults.short_sends,    &faults.short_receives, &faults.losses,
        &faults.resets,         &faults.refusals,       &faults.black_holes,
        &faults.deferred_sends, &faults.late_wakes,     &faults.late_detaches};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        *some[i] = rates[chance_below(run, sizeof rates / sizeof rates[0])];
    return faults;
}

static int loop_add(struct run *run, size_t index)
{
    int status = plx_loop_open(&run->loops[index], &(plx_loop_options){.receive_bytes = 4096});
    return status == 0 ? plx_sim_add(run->sim, run->loops[index]) : status;
}

static int run_open(struct run *run)
{
    int status = loop_add(run, 0);
    run->count = 1 + (uint32_t)chance_below(run, CLIENTS_MAX);
    run->server.on_event = on_event;
    run->server.data = run;
    if (status == 0)
        status = retry_server_open(run->loops[0], &run->server, ADDRESS);
    for (size_t i = 0; i < run->count && status == 0; i++) {
        run->clients[i] = (struct retry_client){
            .address = ADDRESS,
            .id = i + 1,
            .transfers = TRANSFERS_MAX / run->count,
            .pause_ns = chance_below(run, 5000) * PLX_MILLISECOND,
            .on_event = on_event,
            .data = run,
        };
        status = loop_add(run, 1 + i);
        if (status == 0)
            status = retry_client_open(run->loops[1 + i], &run->clients[i]);
    }
    return status;
}

/* The server never ends by itself, so that the time is over is no failure of plx_sim_run(). */
static int run_for(struct run *run, uint64_t seconds)
{
    int status = plx_sim_run(run->sim, seconds * PLX_SECOND);
    return status == PLX_ETIMEDOUT ? 0 : status;
}

static int run_clients(struct run *run)
{
    int status = 0;
    for (int i = 0;
         i < LIMIT_SECONDS && status == 0 && run->failure[0] == '\0' && run->finished < run->count;
         i++)
        status = run_for(run, 1);
    if (status == 0 && run->failure[0] == '\0')
        status = run_for(run, REST_SECONDS);
    for (size_t i = 0; i < run->count && status == 0; i++) {
        for (uint32_t number = 1; number <= run->clients[i].transfers; number++) {
            if (run->applied[i][number] != 1)
                fail(run, "transfer %" PRIu32 " of client %u was applied %" PRIu32 " times", number,
                     (unsigned)i + 1, run->applied[i][number]);
        }
    }
    return status;
}

/* Runs one seed; `run` has the files and what to run. */
static int run_seed(struct run *run)
{
    run->chance = run->seed;
    const plx_sim_faults faults = faults_make(run);
    const plx_sim_options options = {
        .seed = run->seed,
        .latency_ns = 1 + chance_below(run, 20 * PLX_MILLISECOND),
        .jitter_ns = 1 + chance_below(run, 20 * PLX_MILLISECOND),
        .buffer_bytes = 4096,
        .faults = &faults,
        .on_record = run->trace != NULL || run->json != NULL ? on_record : NULL,
        .data = run,
    };
    int status = plx_sim_open(&run->sim, &options);
    if (status == 0)
        status = run_open(run);
    if (status == 0)
        status = run_clients(run);
    for (size_t i = 0; i < 1 + CLIENTS_MAX; i++)
        plx_loop_close(run->loops[i]);
    retry_server_free(&run->server);
    plx_sim_close(run->sim);
    return status;
}

/* --- the search ------------------------------------------------------------------------------ */

static int file_open(FILE **file_out, const char *name)
{
    *file_out = name != NULL ? fopen(name, "wb") : NULL;
    if (name == NULL || *file_out != NULL)
        return 0;
    fprintf(stderr, "retry: cannot write %s\n", name);
    return 1;
}

static int file_close(FILE *file, const char *name)
{
    if (file == NULL || fclose(file) == 0)
        return 0;
    fprintf(stderr, "retry: cannot write %s\n", name);
    return 1;
}

/* Returns 0, or 1 if it failed. */
static int seed_check(struct run *run)
{
    const char *bug = run->server.has_bug ? " --bug" : "";
    int status = run_seed(run);
    if (status != 0) {
        fprintf(stderr, "retry: seed %" PRIu64 ": %s\n", run->seed, plx_error_text(status));
        return 1;
    }
    if (run->failure[0] == '\0')
        return 0;
    printf("seed %" PRIu64 " fails: %s\n"
           "replay: retry%s --seed %" PRIu64 " --trace trace.txt --json trace.json\n",
           run->seed, run->failure, bug, run->seed);
    return 1;
}

int retry_search(const struct retry_search *search)
{
    FILE *trace, *json;
    uint64_t tried = 0;
    int result = file_open(&trace, search->trace_file);
    if (result != 0)
        return result;
    result = file_open(&json, search->json_file);
    if (json != NULL)
        json_begin(json);
    while (result == 0 && tried < search->count) {
        struct run run = {
            .seed = search->from + tried++,
            .server.has_bug = search->has_bug,
            .trace = trace,
            .json = json,
        };
        result = seed_check(&run);
    }
    if (json != NULL)
        fputs("\n]\n", json);
    result |= file_close(trace, search->trace_file) | file_close(json, search->json_file);
    printf("seeds tried: %" PRIu64 "; transfers: %" PRIu64 ", sent again: %" PRIu64
           ", recognized as repeated: %" PRIu64 "\n%s",
           tried, total.transfers, total.again, total.repeated,
           result == 0 ? "each transfer was applied once\n" : "");
    return result;
}
