/* A libnvidia-ml.so.1 for tests and scenarios: its answers stand in files of DIRECTORY and can change meanwhile.
 *
 * init is the nvmlReturn_t of nvmlInit_v2, count the number of devices (2 without it), code.N the nvmlReturn_t of
 * device N, pids.N its processes. As long as hang is a fifo that nobody writes to, nvmlInit_v2 does not return.
 * SUFFIX is that of nvmlDeviceGetComputeRunningProcesses, MORE the members of its entries behind the first two. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#ifndef SUFFIX
#define SUFFIX _v3
#endif
#ifndef MORE
#define MORE unsigned gpu_instance, compute_instance;
#endif
#define JOIN(a, b) a##b
#define NAME(a, b) JOIN(a, b)

enum { INSUFFICIENT_SIZE = 7 };

typedef struct {
    unsigned pid;
    unsigned long long bytes;
    MORE
} process;

static FILE *file(const char *name, int device) {
    char path[4096];
    snprintf(path, sizeof path, device < 0 ? "%s/%s" : "%s/%s.%d", DIRECTORY, name, device);
    return fopen(path, "r");
}

static int number(const char *name, int device, int otherwise) {
    int value;
    FILE *answer = file(name, device);
    if (!answer) return otherwise;
    if (fscanf(answer, "%d", &value) != 1) value = otherwise;
    fclose(answer);
    return value;
}

int nvmlInit_v2(void) {
    /* Blocks until somebody opens the other end. */
    int hang = open(DIRECTORY "/hang", O_RDONLY | O_CLOEXEC);
    if (hang >= 0) close(hang);
    return number("init", -1, 0);
}

int nvmlShutdown(void) { return 0; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)number("count", -1, 2);
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = (void *)(unsigned long)(index + 1);
    return number("code", (int)index, 0);
}

int NAME(nvmlDeviceGetComputeRunningProcesses, SUFFIX)(void *device, unsigned *count, process *processes) {
    FILE *answer = file("pids", (int)(unsigned long)device - 1);
    unsigned room = *count, pid;
    *count = 0;
    if (!answer) return 0;
    while (fscanf(answer, "%u", &pid) == 1) {
        if (*count < room) processes[*count] = (process){.pid = pid, .bytes = ~0ull};
        ++*count;
    }
    fclose(answer);
    return *count > room ? INSUFFICIENT_SIZE : 0;
}

const char *nvmlErrorString(int code) {
    switch (code) {
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    case 16: return "GPU requires restart";
    default: return "Unknown Error";
    }
}
