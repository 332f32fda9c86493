#include "CKernels.h"

#include <string.h>

// Sixteen floats: a register with AVX-512, two with AVX, four elsewhere. The compiler splits them.
typedef float vector __attribute__((vector_size(64)));
typedef float half __attribute__((vector_size(32)));
typedef float quarter __attribute__((vector_size(16)));
enum { LANES = 16, MAXIMUM_WIDTH = 2048 };

// Lanes added up, always in the same order.
#define SUM(v)                                                                                   \
    ({                                                                                           \
        half eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +                     \
                     __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);                \
        quarter four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +                       \
                       __builtin_shufflevector(eight, eight, 4, 5, 6, 7);                        \
        four += __builtin_shufflevector(four, four, 2, 3, 0, 1);                                 \
        four[0] + four[1];                                                                       \
    })

// Rows are asked for so many groups ahead of their use.
enum { AHEAD = 7 };

static inline __attribute__((always_inline)) void fetch(const float *row, size_t vectors) {
    for (size_t v = 0; v < vectors; v++) __builtin_prefetch(row + v * LANES);
}

// row × what dropout makes of the product of both sides' factors, for one sample.
static void mask(const sk_adam_batch *batch, size_t sample, const float *row, float *out) {
    memset(out, 0, batch->stride * sizeof(float));
    for (size_t f = 0; f < batch->width; f++) {
        out[f] = row[f] * sk_dropout_factor(batch->dropout_key, sample, 0, f, batch->dropout) *
                 sk_dropout_factor(batch->dropout_key, sample, 1, f, batch->dropout);
    }
}

#define TARGET
#define NAMED(step) step##_plain
#include "adam.inc"

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) step##_avx2
#include "adam.inc"

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) step##_avx512
#include "adam.inc"

#define PICK(step, ...) \
    (isa >= SK_ISA_AVX512 ? step##_avx512(__VA_ARGS__) : isa >= SK_ISA_AVX2 ? step##_avx2(__VA_ARGS__) : step##_plain(__VA_ARGS__))
#else
#define PICK(step, ...) ((void)isa, step##_plain(__VA_ARGS__))
#endif

double sk_adam_errors(const sk_adam_batch *batch, size_t from, size_t to, int isa) {
    return PICK(errors, batch, from, to);
}

void sk_adam_gradients(const sk_adam_batch *batch, int side, const sk_adam_groups *groups, int isa) {
    PICK(gradients, batch, side, groups);
}

void sk_adam_move(const sk_adam_batch *batch, int side, const sk_adam_groups *groups, int isa) {
    PICK(move, batch, side, groups);
}
