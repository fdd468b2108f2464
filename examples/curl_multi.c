/* Fetches URLs, all at once: `curl_multi URL...`. Prints status, bytes and seconds of each, and
 * ends with 0 only if all could be fetched.
 *
 * The adapter runs libcurl's multi handle on the loop: a watch for each of libcurl's sockets, and a
 * timer. The program starts transfers, and reports those that have ended.
 */
#include <pollux/adapters/curl.h>
#include <pollux/pollux.h>

#include <stdio.h>
#include <stdlib.h>

struct fetcher {
    plx_curl *curl; /* NULL when all transfers have ended. */
    CURL **transfers;
    int started; /* How many `transfers` holds. */
    int running; /* How many of them have not ended. */
    int failed;  /* How many URLs could not be fetched. */
};

static void transfer_report(struct fetcher *fetcher, CURL *transfer, CURLcode result)
{
    char *url = NULL;
    long status = 0;
    curl_off_t bytes = 0;
    curl_off_t microseconds = 0;
    curl_easy_getinfo(transfer, CURLINFO_PRIVATE, &url);
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

static void on_done(plx_curl *curl, void *data, CURL *transfer, CURLcode result)
{
    struct fetcher *fetcher = data;
    transfer_report(fetcher, transfer, result);
    if (--fetcher->running > 0)
        return;
    plx_curl_close(curl); /* Then nothing is open on the loop, and it ends. */
    fetcher->curl = NULL;
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
        curl_multi_add_handle(plx_curl_multi(fetcher->curl), transfer) != CURLM_OK) {
        fprintf(stderr, "curl_multi: %s: %s\n", url, plx_error_text(PLX_ENOMEM));
        curl_easy_cleanup(transfer);
        fetcher->failed++;
        return;
    }
    fetcher->transfers[fetcher->started++] = transfer;
    fetcher->running++;
}

int main(int argc, char **argv)
{
    struct fetcher fetcher = {0};
    plx_loop *loop;
    if (argc < 2) {
        fprintf(stderr, "usage: curl_multi URL...\n");
        return 2;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    fetcher.transfers = calloc((size_t)argc, sizeof *fetcher.transfers);
    int status = plx_loop_open(&loop, NULL);
    if (status == 0 && fetcher.transfers == NULL)
        status = PLX_ENOMEM;
    if (status == 0)
        status = plx_curl_open(loop, &fetcher.curl, on_done, &fetcher);
    for (int i = 1; i < argc && status == 0; i++)
        transfer_start(&fetcher, argv[i]);
    if (status == 0 && fetcher.running > 0)
        status = plx_loop_run(loop);
    if (status != 0)
        fprintf(stderr, "curl_multi: %s\n", plx_error_text(status));
    plx_curl_close(fetcher.curl); /* If it could not run to the end. */
    for (int i = 0; i < fetcher.started; i++)
        curl_easy_cleanup(fetcher.transfers[i]);
    plx_loop_close(loop);
    free(fetcher.transfers);
    curl_global_cleanup();
    return status == 0 && fetcher.failed == 0 ? 0 : 1;
}
