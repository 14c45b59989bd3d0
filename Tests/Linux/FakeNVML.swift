import Glibc
import WardenLinux

/// A libnvidia-ml.so.1 of our own: two devices, whose answers stand in files of a directory and can change meanwhile.
///
/// `DIRECTORY/code.N` is the nvmlReturn_t of device N, `DIRECTORY/pids.N` its processes, `DIRECTORY/init` that of
/// nvmlInit_v2, and as long as `DIRECTORY/hang` is there nvmlInit_v2 does not return.
final class FakeNVML {
    let directory: ScratchDirectory
    /// The library.
    let path: String

    struct NotCompiled: Error {}

    /// - Parameter suffix: of nvmlDeviceGetComputeRunningProcesses.
    init(_ suffix: String = "_v3") throws {
        directory = try ScratchDirectory()
        path = directory.file("libnvidia-ml.so.1")
        let source = directory.file("fake.c")
        try write(Self.source, to: source)
        let entry = suffix.isEmpty ? "" : "unsigned gpu_instance, compute_instance;"
        let status = system(
            "cc -shared -fPIC -o \(path) -DDIRECTORY='\"\(directory.path)\"' -DSUFFIX=\(suffix.isEmpty ? "" : suffix) "
                + "-D'MORE=\(entry)' \(source)")
        if status != 0 { throw NotCompiled() }
    }

    func set(_ file: String, _ text: String) throws { try write(text, to: directory.file(file)) }
    func clear(_ file: String) { _ = unlink(directory.file(file)) }

    private func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw NotCompiled() }
        fputs(text, file)
        fclose(file)
    }

    private static let source = """
        #include <stdio.h>
        #include <unistd.h>
        #define JOIN(a, b) a##b
        #define NAME(a, b) JOIN(a, b)
        typedef struct { unsigned pid; unsigned long long bytes; MORE } entry;
        static int number(const char *name, int index, int otherwise) {
            char path[4096];
            snprintf(path, sizeof path, index < 0 ? "%s/%s" : "%s/%s.%d", DIRECTORY, name, index);
            FILE *file = fopen(path, "r");
            if (!file) return otherwise;
            int value = otherwise;
            fscanf(file, "%d", &value);
            fclose(file);
            return value;
        }
        int nvmlInit_v2(void) {
            while (access(DIRECTORY "/hang", F_OK) == 0) usleep(1000);
            return number("init", -1, 0);
        }
        int nvmlShutdown(void) { return 0; }
        int nvmlDeviceGetCount_v2(unsigned *count) { *count = number("count", -1, 2); return 0; }
        int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
            *device = (void *)(unsigned long)(index + 1);
            return number("code", index, 0);
        }
        int NAME(nvmlDeviceGetComputeRunningProcesses, SUFFIX)(void *device, unsigned *count, entry *entries) {
            char path[4096];
            snprintf(path, sizeof path, "%s/pids.%d", DIRECTORY, (int)(unsigned long)device - 1);
            FILE *file = fopen(path, "r");
            unsigned room = *count, pid;
            *count = 0;
            if (!file) return 0;
            while (fscanf(file, "%u", &pid) == 1) {
                if (*count < room) entries[*count] = (entry){ .pid = pid, .bytes = ~0ull };
                ++*count;
            }
            fclose(file);
            return *count > room ? 7 : 0;
        }
        const char *nvmlErrorString(int code) {
            switch (code) {
            case 9: return "Driver Not Loaded";
            case 15: return "GPU is lost";
            case 16: return "GPU requires restart";
            default: return "Unknown Error";
            }
        }
        """
}
