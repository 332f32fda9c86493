// Bytes from the memory of one process to that of another, and waiting for a word that both see. Linux only: elsewhere each
// returns -1.
#ifndef STARLING_SK_LANE_H
#define STARLING_SK_LANE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One transfer between two processes. `word` counts the slot's transfers, times 4, plus 1 when the sender has said where the bytes
// are, plus 2 when the receiver has said where they go.
struct sk_lane_slot {
    uint32_t word, has_failed;
    uint64_t source, source_bytes, target, target_bytes;
    uint64_t padding[3];
};

// Memory that processes can share, without a name: a descriptor, which others open at /proc/PID/fd/N. -1 if there is none.
int sk_lane_memory(size_t bytes);

// Lets processes of the same user read this one's memory where the system would not (Yama).
void sk_lane_permit(void);

// Copies `count` bytes from `source` in another process to `target` here, or to `target` there from `source` here. 0, or -1.
int sk_lane_read(int process, void *target, uint64_t source, size_t count);
int sk_lane_write(int process, uint64_t target, const void *source, size_t count);

// Sleeps until the word is woken, unless it is no longer `expected`; `milliseconds` at most.
void sk_lane_sleep(const uint32_t *word, uint32_t expected, int milliseconds);
void sk_lane_wake(const uint32_t *word);

#ifdef __cplusplus
}
#endif

#endif
