/* tests/mutants/trace.c - notes which basic blocks a process runs: reach.py links it into the
 * suites, and gcc's -fsanitize-coverage=trace-pc calls it at each block.
 *
 * The notes are a file that is mapped, one byte for each byte of the program's code. So they
 * outlive a process that is killed, a child adds to its parent's, and no descriptor stays open.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern const unsigned char __executable_start[];
extern const unsigned char etext[];

void __sanitizer_cov_trace_pc(void);

static unsigned char *notes;
static size_t notes_length;

__attribute__((constructor)) static void notes_open(void)
{
    const char *path = getenv("POLLUX_TRACE");
    size_t length = (size_t)(etext - __executable_start);
    int file = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (file < 0)
        return;
    if (ftruncate(file, (off_t)length) == 0) {
        void *mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        notes_length = length;
        notes = mapped != MAP_FAILED ? mapped : NULL;
    }
    close(file);
}

void __sanitizer_cov_trace_pc(void)
{
    size_t at = (size_t)((const unsigned char *)__builtin_return_address(0) - __executable_start);
    if (notes != NULL && at < notes_length && notes[at] == 0)
        notes[at] = 1;
}
