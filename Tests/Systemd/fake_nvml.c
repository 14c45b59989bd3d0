/* A libnvidia-ml.so.1 for scenarios: two devices, whose answers stand in files of DIRECTORY and can change meanwhile.
 * code.N is the nvmlReturn_t of device N, pids.N its processes; as long as hang is there nothing is answered. */
#include <stdio.h>
#include <unistd.h>

typedef struct {
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
} process;

static FILE *file(const char *name, unsigned device) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%u", DIRECTORY, name, device);
    return fopen(path, "r");
}

int nvmlInit_v2(void) {
    while (access(DIRECTORY "/hang", F_OK) == 0) usleep(10000);
    return 0;
}

int nvmlShutdown(void) { return 0; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    int code = 0;
    FILE *answer = file("code", index);
    if (answer) {
        if (fscanf(answer, "%d", &code) != 1) code = 0;
        fclose(answer);
    }
    *device = (void *)(unsigned long)(index + 1);
    return code;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *processes) {
    FILE *answer = file("pids", (unsigned)(unsigned long)device - 1);
    unsigned room = *count, pid;
    *count = 0;
    if (!answer) return 0;
    while (*count < room && fscanf(answer, "%u", &pid) == 1) processes[(*count)++] = (process){.pid = pid};
    fclose(answer);
    return 0;
}

const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : "Unknown Error"; }
