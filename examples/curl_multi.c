/* Fetches URLs, all at once: `curl_multi URL...`. Prints status, bytes and seconds of each, and
 * ends with 0 only if all could be fetched.
 *
 * libcurl's multi-socket interface says which sockets it waits for (CURLMOPT_SOCKETFUNCTION) and
 * until when (CURLMOPT_TIMERFUNCTION). Here that is one watch for each socket, which libcurl keeps
 * for us beside the socket, and one timer. When one of them fires, curl_multi_socket_action() does
 * what there is to do.
 */
#include <curl/curl.h>
#include <pollux/pollux.h>

#include <stdio.h>
#include <stdlib.h>

struct fetcher {
    plx_loop *loop;
    CURLM *multi;
    CURL **transfers;
    int started;     /* How many stand in `transfers`. */
    int running;     /* How many of them have not ended. */
    int failed;      /* How many URLs could not be fetched. */
    plx_timer timer; /* Names nothing while libcurl wants none. */
};

static void transfer_report(struct fetcher *fetcher, CURL *transfer, CURLcode result)
{
    char *url = NULL;
    long status = 0;
    curl_off_t bytes = 0;
    curl_off_t microseconds = 0;
    curl_easy_getinfo(transfer, CURLINFO_PRIVATE, &url);
    fetcher->running--;
    if (result != CURLE_OK) {
        fetcher->failed++;
        fprintf(stderr, "curl_multi: %s: %s\n", url, curl_easy_strerror(result));
        return;
    }
    curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    curl_easy_getinfo(transfer, CURLINFO_TOTAL_TIME_T, &microseconds);
    printf("%ld %lld bytes %.3f s %s\n", status, (long long)bytes, (double)microseconds / 1e6, url);
}

/* Lets libcurl work: `socket` is ready, or CURL_SOCKET_TIMEOUT. */
static void fetcher_act(struct fetcher *fetcher, curl_socket_t socket, int ready)
{
    int count; /* Not needed: each transfer that ends leaves a message. */
    CURLMsg *message;
    CURLMcode code = curl_multi_socket_action(fetcher->multi, socket, ready, &count);
    if (code != CURLM_OK) {
        fprintf(stderr, "curl_multi: %s\n", curl_multi_strerror(code));
        fetcher->failed++;
        plx_loop_stop(fetcher->loop);
        return;
    }
    while ((message = curl_multi_info_read(fetcher->multi, &count)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            transfer_report(fetcher, message->easy_handle, message->data.result);
    }
    if (fetcher->running == 0)
        plx_loop_stop(fetcher->loop);
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    int flags = 0;
    (void)loop;
    (void)watch;
    if ((ready & PLX_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((ready & PLX_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    if ((ready & PLX_FAILED) != 0)
        flags |= CURL_CSELECT_ERR;
    fetcher_act(data, (curl_socket_t)socket, flags);
}

static void on_timeout(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    fetcher_act(data, CURL_SOCKET_TIMEOUT, 0);
}

static int watch_open(struct fetcher *fetcher, curl_socket_t socket, uint32_t interest)
{
    plx_watch *watch = malloc(sizeof *watch);
    if (watch == NULL)
        return PLX_ENOMEM;
    int status =
        plx_watch_open(fetcher->loop, watch, (plx_socket)socket, interest, on_ready, fetcher);
    if (status != 0) {
        free(watch);
        return status;
    }
    /* It comes back as `assigned` below. This fails only for a socket that libcurl does not have.
     */
    (void)curl_multi_assign(fetcher->multi, socket, watch);
    return 0;
}

/* libcurl wants something else of a socket. It closes a socket only after it has called this with
 * CURL_POLL_REMOVE, as a watch demands. */
static int on_socket(CURL *transfer, curl_socket_t socket, int what, void *data, void *assigned)
{
    struct fetcher *fetcher = data;
    plx_watch *watch = assigned;
    uint32_t interest = 0;
    (void)transfer;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            plx_watch_close(fetcher->loop, *watch);
        free(watch);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        interest |= PLX_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        interest |= PLX_WRITABLE;
    int status = watch != NULL ? plx_watch_set(fetcher->loop, *watch, interest)
                               : watch_open(fetcher, socket, interest);
    if (status != 0)
        fprintf(stderr, "curl_multi: %s\n", plx_error_text(status));
    return status == 0 ? 0 : -1; /* That ends all transfers. */
}

/* libcurl wants to be called in so many milliseconds, even in 0, but not from in here; or not at
 * all, for -1. */
static int on_timer(CURLM *multi, long milliseconds, void *data)
{
    struct fetcher *fetcher = data;
    (void)multi;
    if (milliseconds < 0) {
        plx_timer_cancel(fetcher->loop, fetcher->timer);
        return 0;
    }
    uint64_t timeout_ns = (uint64_t)milliseconds * PLX_MILLISECOND;
    int status = plx_timer_restart(fetcher->loop, fetcher->timer, timeout_ns);
    if (status == PLX_ESTALE) /* It has fired, or there was none. */
        status =
            plx_timer_start(fetcher->loop, &fetcher->timer, timeout_ns, 0, on_timeout, fetcher);
    return status == 0 ? 0 : -1;
}

static size_t discard(char *bytes, size_t size, size_t count, void *data)
{
    (void)bytes;
    (void)data;
    return size * count;
}

static void transfer_start(struct fetcher *fetcher, char *url)
{
    CURL *transfer = curl_easy_init();
    if (transfer == NULL || curl_easy_setopt(transfer, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(transfer, CURLOPT_PRIVATE, url) != CURLE_OK ||
        curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, discard) != CURLE_OK ||
        curl_multi_add_handle(fetcher->multi, transfer) != CURLM_OK) {
        fprintf(stderr, "curl_multi: %s: %s\n", url, plx_error_text(PLX_ENOMEM));
        curl_easy_cleanup(transfer);
        fetcher->failed++;
        return;
    }
    fetcher->transfers[fetcher->started++] = transfer;
    fetcher->running++;
}

static int fetcher_run(struct fetcher *fetcher, char **urls, int count)
{
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    for (int i = 0; i < count; i++)
        transfer_start(fetcher, urls[i]);
    return fetcher->running > 0 ? plx_loop_run(fetcher->loop) : 0;
}

int main(int argc, char **argv)
{
    struct fetcher fetcher = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: curl_multi URL...\n");
        return 2;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    fetcher.multi = curl_multi_init();
    fetcher.transfers = calloc((size_t)argc, sizeof *fetcher.transfers);
    int status = plx_loop_open(&fetcher.loop, NULL);
    if (status == 0 && (fetcher.multi == NULL || fetcher.transfers == NULL))
        status = PLX_ENOMEM;
    if (status == 0)
        status = fetcher_run(&fetcher, argv + 1, argc - 1);
    if (status != 0)
        fprintf(stderr, "curl_multi: %s\n", plx_error_text(status));
    for (int i = 0; i < fetcher.started; i++) {
        curl_multi_remove_handle(fetcher.multi, fetcher.transfers[i]);
        curl_easy_cleanup(fetcher.transfers[i]);
    }
    curl_multi_cleanup(fetcher.multi); /* It still closes watches, so the loop goes last. */
    plx_loop_close(fetcher.loop);
    free(fetcher.transfers);
    curl_global_cleanup();
    return status == 0 && fetcher.failed == 0 ? 0 : 1;
}
