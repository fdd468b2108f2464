/* tests/fuzz_proxy.c - headers of the PROXY protocol, whole ones and spoilt ones, from chance.
 *
 *   fuzz_proxy [--seconds S] [--seed N] [SEED...]
 *
 * Each round makes a header, spoils most of them by some bytes, and parses all of its parts. The
 * parser must not read beyond them (AddressSanitizer sees that: the bytes are at the end of a block
 * of their own), must say the same of a header whatever follows it, and may take back nothing: a
 * part of a header is no error, and what is refused stays refused. What it accepts it must accept
 * again when it is written anew.
 * A SEED is a file with a header, tests/fuzz_proxy has some; they are spoilt, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/platform.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"

#define BYTES_MAX  2048u
#define SEEDS_MAX  64u
#define ROUNDS_MIN 200u

uint64_t chance_state;

static struct {
    unsigned char bytes[BYTES_MAX];
    size_t length;
} header, seeds[SEEDS_MAX];

static size_t seeds_count;
static uint64_t accepted, refused, cut;

static void wrong(const char *what)
{
    fprintf(stderr, "fuzz_proxy: %s, of", what);
    for (size_t i = 0; i < header.length; i++)
        fprintf(stderr, " %02x", header.bytes[i]);
    fprintf(stderr, "\n");
    exit(1);
}

/* --- headers ---------------------------------------------------------------------------------- */

static void append(const void *bytes, size_t length)
{
    if (length > BYTES_MAX - header.length)
        length = BYTES_MAX - header.length;
    memcpy(header.bytes + header.length, bytes, length);
    header.length += length;
}

static void line_make(void)
{
    static const char *const protocols[] = {"TCP4", "TCP6", "UNKNOWN", "TCP5", "", "UDP4"};
    static const char *const words[] = {"1.2.3.4", "255.255.255.255", "::1", "2001:db8::ffff",
                                        "0",       "65535",           "80",  "01.2.3.4",
                                        "65536",   "::ffff:1.2.3.4",  "",    "fe80::1%1"};
    char line[300];
    size_t used = (size_t)snprintf(line, sizeof line, "PROXY %s", protocols[chance_below(6)]);
    for (size_t i = chance_below(6); i > 0; i--)
        used += (size_t)snprintf(line + used, sizeof line - used, " %s", words[chance_below(12)]);
    used += (size_t)snprintf(line + used, sizeof line - used, "\r\n");
    append(line, used);
}

static void values_make(void)
{
    for (size_t i = chance_below(4); i > 0; i--) {
        unsigned char value[3 + 300];
        size_t length = one_in(3) ? 4 : chance_below(300);
        for (size_t k = 0; k < sizeof value; k++)
            value[k] = (unsigned char)chance_next();
        value[0] = (unsigned char)chance_below(6);
        value[1] = (unsigned char)(length >> 8);
        value[2] = (unsigned char)length;
        append(value, 3 + length);
    }
}

static void binary_make(void)
{
    static const unsigned char start[12] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                            0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
    static const size_t lengths[] = {12, 36, 216, 0};
    unsigned char fixed[4] = {0x21, 0, 0, 0};
    unsigned char ends[216];
    append(start, sizeof start);
    fixed[0] = one_in(4) ? 0x20 : 0x21;
    fixed[1] = (unsigned char)(chance_below(5) << 4 | chance_below(3));
    append(fixed, sizeof fixed);
    for (size_t i = 0; i < sizeof ends; i++)
        ends[i] = one_in(8) ? 0 : (unsigned char)chance_next();
    append(ends, lengths[chance_below(4)]);
    values_make();
    header.bytes[14] = (unsigned char)((header.length - 16) >> 8);
    header.bytes[15] = (unsigned char)(header.length - 16);
}

static void header_spoil(void)
{
    for (size_t i = chance_below(4); i > 0 && header.length > 0; i--) {
        size_t at = chance_below(header.length);
        if (one_in(2))
            header.bytes[at] ^= (unsigned char)(1u << chance_below(8));
        else
            header.bytes[at] = (unsigned char)chance_next();
    }
    if (one_in(8) && header.length > 0)
        header.length = chance_below(header.length);
}

static void header_make(void)
{
    header.length = 0;
    if (seeds_count > 0 && one_in(3)) {
        size_t which = chance_below(seeds_count);
        append(seeds[which].bytes, seeds[which].length);
    } else if (one_in(2)) {
        line_make();
    } else {
        binary_make();
    }
    if (!one_in(3))
        header_spoil();
    if (one_in(2))
        append("GET / HTTP/1.1\r\n\r\n", 18);
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Of the first `length` bytes, in memory that ends with them. */
static int parse(size_t length, plx_proxy_header *parsed)
{
    unsigned char *bytes = malloc(length > 0 ? length : 1);
    if (bytes == NULL)
        wrong("out of memory");
    memcpy(bytes, header.bytes, length);
    memset(parsed, 0xA5, sizeof *parsed);
    int status = plx_proxy_parse(bytes, length, parsed);
    if (status > 0) { /* All values are whole, and within the header. */
        plx_proxy_tlv value;
        size_t at = 0;
        int left;
        while ((left = plx_proxy_tlv_next(parsed->tlvs, parsed->tlvs_length, &at, &value)) == 1) {
            const unsigned char *end = (const unsigned char *)value.bytes + value.length;
            if (end > bytes + status)
                wrong("a value beyond the header");
        }
        if (left != 0)
            wrong("a value that is cut off");
    }
    parsed->tlvs = NULL;
    free(bytes);
    return status;
}

static void check_text(const char *text)
{
    if (memchr(text, '\0', PLX_ADDRESS_TEXT_MAX) == NULL)
        wrong("an address without an end");
}

/* What was accepted is written, and means the same again. */
static void write_again(const plx_proxy_header *parsed)
{
    unsigned char bytes[PLX_PROXY_HEADER_MAX];
    plx_proxy_header again;
    check_text(parsed->source);
    check_text(parsed->destination);
    if (parsed->family == PLX_PROXY_UNKNOWN || parsed->is_datagram ||
        parsed->family == PLX_PROXY_UNIX)
        return; /* Paths of any bytes are no addresses that could be written. */
    int length =
        plx_proxy_write(bytes, sizeof bytes, parsed->version, parsed->source, parsed->destination);
    if (length <= 0 || plx_proxy_parse(bytes, (size_t)length, &again) != length)
        wrong("an address that cannot be written");
    if (strcmp(again.source, parsed->source) != 0 ||
        strcmp(again.destination, parsed->destination) != 0)
        wrong("another address when it is written again");
}

static void round_run(void)
{
    plx_proxy_header parsed;
    plx_proxy_header before;
    header_make();
    int last = PLX_EAGAIN;
    for (size_t length = 0; length <= header.length; length++) {
        int status = parse(length, &parsed);
        if (status != PLX_EAGAIN && status != PLX_EPROTO && (status < 15 || status > (int)length))
            wrong("neither a length nor a code");
        if (last != PLX_EAGAIN && status != last)
            wrong("another answer for more bytes");
        if (last == PLX_EAGAIN && status > 0 && status != (int)length)
            wrong("a header that was one before");
        if (last > 0 && memcmp(&before, &parsed, sizeof parsed) != 0)
            wrong("other addresses for more bytes");
        last = status;
        before = parsed;
    }
    if (last > 0)
        write_again(&parsed);
    accepted += last > 0;
    refused += last == PLX_EPROTO;
    cut += last == PLX_EAGAIN;
}

static bool seed_read(const char *name)
{
    FILE *file = seeds_count < SEEDS_MAX ? fopen(name, "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "fuzz_proxy: %s cannot be read\n", name);
        return false;
    }
    seeds[seeds_count].length = fread(seeds[seeds_count].bytes, 1, BYTES_MAX, file);
    seeds_count++;
    (void)fclose(file);
    return true;
}

int main(int argc, char **argv)
{
    const char *seconds_text = getenv("POLLUX_FUZZ_SECONDS");
    double seconds = seconds_text != NULL ? strtod(seconds_text, NULL) : 3;
    uint64_t seed = plx__clock_now();
    uint64_t rounds = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else if (!seed_read(argv[i]))
            return 2;
    }
    printf("fuzz_proxy: --seed %" PRIu64 "\n", seed);
    fflush(stdout);
    CHECK(plx__sockets_start() == 0);
    uint64_t until = plx__clock_now() + (uint64_t)(seconds * (double)PLX_SECOND);
    for (; rounds < ROUNDS_MIN || plx__clock_now() < until; rounds++) {
        chance_state = (seed + rounds) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        round_run();
    }
    plx__sockets_end();
    printf("fuzz_proxy: %" PRIu64 " rounds, %" PRIu64 " accepted, %" PRIu64 " refused, %" PRIu64
           " cut off\n",
           rounds, accepted, refused, cut);
    /* What it makes must reach all that it is to test. */
    CHECK(accepted > rounds / 10 && refused > rounds / 10 && cut > 0);
    return 0;
}
