#include "CKernels.h"

// 16 bits of a hash of x (multipliers by Chris Wellons, hash-prospector).
static inline __attribute__((always_inline)) uint32_t hash(uint32_t x, uint32_t key) {
    x = (x ^ key) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x >> 16;
}

// (x + y) mod bound, for x and y below it: where x + y is below, x + y − bound wraps round to a large number.
static inline __attribute__((always_inline)) uint32_t add(uint32_t x, uint32_t y, uint32_t bound) {
    const uint32_t sum = x + y, less = sum - bound;
    return less < sum ? less : sum;
}

static inline __attribute__((always_inline)) uint32_t place(const sk_shuffle *s, uint32_t left, uint32_t right) {
    for (int round = 0; round < SK_SHUFFLE_ROUNDS; round += 2) {
        left = add(left, (hash(right, s->keys[round]) * s->left) >> 16, s->left);
        right = add(right, (hash(left, s->keys[round + 1]) * s->right) >> 16, s->right);
    }
    return left * s->right + right;
}

// Every step maps count = 2^bits numbers onto themselves one to one; half of the bits is the shift.
static inline __attribute__((always_inline)) uint32_t mix(const sk_shuffle *s, uint32_t x, uint32_t half) {
    for (int round = 0; round < SK_SHUFFLE_ROUNDS; round += 2) {
        x = ((x ^ s->keys[round]) * (s->keys[round + 1] | 1)) & (s->count - 1);
        x ^= x >> half;
    }
    return x;
}

// One row of places at a time, so that nothing is divided and the first loop becomes vectors.
#define ELEMENTS                                                                              \
    const sk_shuffle s = *shuffle;                                                            \
    if (s.count >= SK_SHUFFLE_MIXED && (s.count & (s.count - 1)) == 0) {                      \
        const uint32_t half = (uint32_t)(32 - __builtin_clz(s.count)) / 2;                    \
        for (uint32_t i = 0; i < length; i++) out[i] = base + mix(&s, from + i, half);        \
        return;                                                                               \
    }                                                                                         \
    uint32_t left = from / s.right, right = from % s.right;                                   \
    while (length > 0) {                                                                      \
        const uint32_t run = s.right - right < length ? s.right - right : length;             \
        for (uint32_t i = 0; i < run; i++) out[i] = place(&s, left, right + i);               \
        for (uint32_t i = 0; i < run; i++) {                                                  \
            while (out[i] >= s.count) out[i] = place(&s, out[i] / s.right, out[i] % s.right); \
            out[i] += base;                                                                   \
        }                                                                                     \
        out += run;                                                                           \
        length -= run;                                                                        \
        left++;                                                                               \
        right = 0;                                                                            \
    }

static void elements_plain(
    const sk_shuffle *shuffle, uint32_t from, uint32_t length, uint32_t base, uint32_t *restrict out) { ELEMENTS }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void elements_avx2(
    const sk_shuffle *shuffle, uint32_t from, uint32_t length, uint32_t base, uint32_t *restrict out) { ELEMENTS }
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"), min_vector_width(512))) static void elements_avx512(
    const sk_shuffle *shuffle, uint32_t from, uint32_t length, uint32_t base, uint32_t *restrict out) { ELEMENTS }
#endif

void sk_shuffle_elements(
    const sk_shuffle *shuffle, uint32_t from, uint32_t length, uint32_t base, uint32_t *out, int isa) {
#if defined(__x86_64__)
    if (isa >= SK_ISA_AVX512) return elements_avx512(shuffle, from, length, base, out);
    if (isa >= SK_ISA_AVX2) return elements_avx2(shuffle, from, length, base, out);
#endif
    (void)isa;
    elements_plain(shuffle, from, length, base, out);
}
