#include "CKernels.h"

#ifdef __linux__
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int sk_lane_memory(size_t bytes) {
    const int file = memfd_create("starling", MFD_CLOEXEC);
    if (file >= 0 && ftruncate(file, (off_t)bytes) != 0) {
        close(file);
        return -1;
    }
    return file;
}

void sk_lane_permit(void) { prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); }

typedef ssize_t copy_function(
    pid_t, const struct iovec *, unsigned long, const struct iovec *, unsigned long, unsigned long);

// A call copies what it can, 2 GB at most.
static int copy(copy_function *copies, int process, void *here, uint64_t there, size_t count) {
    while (count > 0) {
        const struct iovec own = {here, count}, other = {(void *)there, count};
        const ssize_t done = copies(process, &own, 1, &other, 1, 0);
        if (done <= 0) return -1;
        here = (char *)here + done;
        there += (uint64_t)done;
        count -= (size_t)done;
    }
    return 0;
}

int sk_lane_read(int process, void *target, uint64_t source, size_t count) {
    return copy(process_vm_readv, process, target, source, count);
}

int sk_lane_write(int process, uint64_t target, const void *source, size_t count) {
    return copy(process_vm_writev, process, (void *)source, target, count);
}

void sk_lane_sleep(const uint32_t *word, uint32_t expected, int milliseconds) {
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    syscall(SYS_futex, word, FUTEX_WAIT, expected, &time, NULL, 0);
}

void sk_lane_wake(const uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1 << 30, NULL, NULL, 0); }
#else
int sk_lane_memory(size_t bytes) {
    (void)bytes;
    return -1;
}

void sk_lane_permit(void) {}

int sk_lane_read(int process, void *target, uint64_t source, size_t count) {
    (void)process, (void)target, (void)source, (void)count;
    return -1;
}

int sk_lane_write(int process, uint64_t target, const void *source, size_t count) {
    (void)process, (void)target, (void)source, (void)count;
    return -1;
}

void sk_lane_sleep(const uint32_t *word, uint32_t expected, int milliseconds) {
    (void)word, (void)expected, (void)milliseconds;
}

void sk_lane_wake(const uint32_t *word) { (void)word; }
#endif
