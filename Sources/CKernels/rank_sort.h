// Keys that sort as a ranking does: higher scores first, then the lower number beside them.
#ifndef STARLING_RANK_SORT_H
#define STARLING_RANK_SORT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SK_INLINE static inline __attribute__((always_inline))

// Floats as integers of the same order, and back. -0 comes just below +0.
SK_INLINE int32_t sk_order_of_bits(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

SK_INLINE int32_t sk_order(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return sk_order_of_bits(bits);
}

SK_INLINE float sk_float(int32_t order) {
    int32_t bits = sk_order_of_bits(order);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Rising keys: the order of the score turned round, then `number`. Adding 0 makes -0 equal to +0, as comparing floats
// does.
SK_INLINE uint64_t sk_rank_key(float score, uint32_t number) {
    const uint32_t falling = ~((uint32_t)sk_order(score + 0.0f) ^ 0x80000000u);
    return (uint64_t)falling << 32 | number;
}

SK_INLINE float sk_rank_key_score(uint64_t key) {
    return sk_float((int32_t)(~(uint32_t)(key >> 32) ^ 0x80000000u));
}

// Sorts `count` different numbers; `keys` has room for twice as many. Returns where they ended up.
uint64_t *sk_rank_sort(uint64_t *keys, size_t count);

#endif
