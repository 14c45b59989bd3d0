// Counts the heap's allocations of the process that it is preloaded into, for bare_allocations.py.
//
//   LD_PRELOAD=count_allocations.so ALLOCATION_COUNTS=FILE PROGRAM
//
// FILE, of at least 32 bytes, is mapped and holds: allocations and bytes of the main thread, and of all others. What
// the program starts is not counted.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

struct counts {
    uint64_t allocations, bytes;
};

static struct counts *counts;
static __thread int thread;  // 0 is not known yet, 1 the main thread, 2 another

static void count(size_t bytes)
{
    if (!counts) return;
    if (!thread) thread = gettid() == getpid() ? 1 : 2;
    struct counts *mine = &counts[thread - 1];
    __atomic_fetch_add(&mine->allocations, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&mine->bytes, bytes, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("ALLOCATION_COUNTS");
    const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *page = mmap(NULL, 2 * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) counts = page;
        close(file);
    }
    // Not for the workers.
    unsetenv("LD_PRELOAD");
    unsetenv("ALLOCATION_COUNTS");
}

void *malloc(size_t bytes)
{
    count(bytes);
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes)
{
    count(number * bytes);
    return __libc_calloc(number, bytes);
}

void *realloc(void *former, size_t bytes)
{
    count(bytes);
    return __libc_realloc(former, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    count(bytes);
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count(bytes);
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes)
{
    count(bytes);
    *result = __libc_memalign(alignment, bytes);
    return *result ? 0 : ENOMEM;
}
