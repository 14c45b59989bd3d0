// The memory that outlives the daemon: a sealed memfd, and the sum that tells a torn record from a whole one.
#define _GNU_SOURCE
#include "CWardenLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "system_call.h"

int warden_memory_create(const char *name, int64_t size) {
    // Past RLIMIT_FSIZE the kernel would not only refuse, it would send SIGXFSZ.
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < (rlim_t)size) return -EFBIG;
    // Where vm.memfd_noexec is 2 a memfd must say that it holds no program; before Linux 6.3 there is no such word.
    long file = SYSTEM_CALL(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING | 8u /* MFD_NOEXEC_SEAL */);
    if (file == -EINVAL) file = SYSTEM_CALL(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return (int)file;
    // Never shorter: whoever maps it would die of SIGBUS. Nor longer, so that both halves stay where they are.
    if (ftruncate((int)file, size) < 0 || fcntl((int)file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
        const int error = errno;
        close((int)file);
        return -error;
    }
    return (int)file;
}

int warden_memory_is_sealed(int file) {
    const int seals = fcntl(file, F_GET_SEALS);
    if (seals < 0) return -errno;
    return (seals & F_SEAL_SHRINK) != 0 && (seals & F_SEAL_WRITE) == 0;
}

int warden_memory_reserve(int file, int64_t offset, int64_t bytes) {
    int answer;
    do answer = fallocate(file, 0, offset, bytes);
    while (answer < 0 && errno == EINTR);
    return answer < 0 ? -errno : 0;
}

int warden_memory_discard(int file, int64_t offset, int64_t bytes) {
    return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes) < 0 ? -errno : 0;
}

void *warden_memory_map(int file, int64_t offset, size_t bytes) {
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);
    return address == MAP_FAILED ? NULL : address;
}

void warden_memory_unmap(void *address, size_t bytes) { munmap(address, bytes); }

// MARK: - CRC32C

// Slicing by eight. The table is filled by whoever comes first; two at once write the same words.
static uint32_t table[8][256];

static void fill_table(void) {
    uint32_t first[256];
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++) sum = sum & 1 ? 0x82F63B78u ^ (sum >> 1) : sum >> 1;
        first[byte] = sum;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = first[byte];
        for (int slice = 1; slice < 8; slice++) {
            sum = first[sum & 255] ^ (sum >> 8);
            table[slice][byte] = sum;
        }
    }
    // The last entry of the first slice is what is asked for below: it comes last.
    memcpy(table[0], first, sizeof first - sizeof *first);
    __atomic_store_n(&table[0][255], first[255], __ATOMIC_RELEASE);
}

uint32_t warden_crc32c_by_table(uint32_t sum, const void *bytes, size_t count) {
    if (__atomic_load_n(&table[0][255], __ATOMIC_ACQUIRE) == 0) fill_table();
    const unsigned char *at = bytes;
    sum = ~sum;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word ^= sum;
        sum = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255]
            ^ table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255]
            ^ table[1][word >> 48 & 255] ^ table[0][word >> 56];
        at += 8;
        count -= 8;
    }
    while (count-- > 0) sum = table[0][(sum ^ *at++) & 255] ^ (sum >> 8);
    return ~sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t sum, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint64_t wide = ~sum;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    while (count-- > 0) narrow = _mm_crc32_u8(narrow, *at++);
    return ~narrow;
}

static int has_instruction(void) {
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}
#elif defined(__aarch64__)
__attribute__((target("crc"))) static uint32_t by_instruction(uint32_t sum, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    sum = ~sum;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        sum = __crc32cd(sum, word);
    }
    while (count-- > 0) sum = __crc32cb(sum, *at++);
    return ~sum;
}

static int has_instruction(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
static uint32_t by_instruction(uint32_t sum, const void *bytes, size_t count) {
    return warden_crc32c_by_table(sum, bytes, count);
}

static int has_instruction(void) { return 0; }
#endif

uint32_t warden_crc32c(uint32_t sum, const void *bytes, size_t count) {
    // 0: not asked yet. Two threads that ask at once get the same answer.
    static int known;
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer == 0) {
        answer = has_instruction() ? 1 : 2;
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer == 1 ? by_instruction(sum, bytes, count) : warden_crc32c_by_table(sum, bytes, count);
}
