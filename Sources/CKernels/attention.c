#include "CKernels.h"
#include "exponential.h"
#include "philox.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef float vector __attribute__((vector_size(64)));
enum {
    LANES = 16,
    BLOCK = 48, // rows of a sequence that are done at a time: whole tiles of every kind, and whole blocks of draws
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t rounded(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

// Rows of weights are not a multiple of a page apart, where lines of the cache would push each other out.
static size_t weight_stride(size_t whole) { return whole + LANES; }

// What dropout multiplies kept weights by.
static float kept_factor(const sk_attention *a) { return 65536.0f / (float)(65536 - a->dropped); }

#define TARGET
#define NAMED(step) attention_##step##_plain
enum { attention_ROWS_plain = 2, attention_WIDE_plain = 1 };
#include "attention.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) attention_##step##_avx2
enum { attention_ROWS_avx2 = 6, attention_WIDE_avx2 = 1 };
#include "attention.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) attention_##step##_avx512
enum { attention_ROWS_avx512 = 8, attention_WIDE_avx512 = 3 };
#include "attention.inc"
#undef TARGET
#undef NAMED
#endif

size_t sk_attention_scratch(size_t longest, size_t depth) {
    const size_t whole = rounded(longest, BLOCK), width = rounded(depth, LANES);
    const size_t forward = 2 * (whole + BLOCK) * width + BLOCK * weight_stride(whole);
    const size_t backward = (5 * whole + 3 * BLOCK) * width + 2 * BLOCK * BLOCK;
    return forward > backward ? forward : backward;
}

void sk_attention_forward(
    const sk_attention *a, size_t first, size_t last, float *scratch, float *output, size_t stride, float *logarithms,
    int isa) {
    (void)isa;
    for (size_t s = first; s < last; s++)
        for (size_t h = 0; h < a->heads; h++) {
#if defined(__x86_64__)
            if (isa >= SK_ISA_AVX512) {
                attention_forward_avx512(a, s, h, scratch, output, stride, logarithms);
                continue;
            }
            if (isa >= SK_ISA_AVX2) {
                attention_forward_avx2(a, s, h, scratch, output, stride, logarithms);
                continue;
            }
#endif
            attention_forward_plain(a, s, h, scratch, output, stride, logarithms);
        }
}

void sk_attention_backward(
    const sk_attention *a, size_t first, size_t last, float *scratch, const float *output, const float *output_gradients,
    size_t stride, const float *logarithms, float *query_gradients, float *key_gradients, float *value_gradients,
    int isa) {
    (void)isa;
    for (size_t s = first; s < last; s++)
        for (size_t h = 0; h < a->heads; h++) {
#if defined(__x86_64__)
            if (isa >= SK_ISA_AVX512) {
                attention_backward_avx512(
                    a, s, h, scratch, output, output_gradients, stride, logarithms, query_gradients, key_gradients,
                    value_gradients);
                continue;
            }
            if (isa >= SK_ISA_AVX2) {
                attention_backward_avx2(
                    a, s, h, scratch, output, output_gradients, stride, logarithms, query_gradients, key_gradients,
                    value_gradients);
                continue;
            }
#endif
            attention_backward_plain(
                a, s, h, scratch, output, output_gradients, stride, logarithms, query_gradients, key_gradients,
                value_gradients);
        }
}

void sk_attention_mask(const sk_attention *a, size_t sequence, size_t head, size_t length, uint8_t *kept) {
    const philox_stream p = philox_make(a->seed, a->stream + sequence);
    for (size_t i = 0; i < length; i++)
        for (size_t j = 0; j < length; j++) {
            const uint32_t first = (uint32_t)(j + (head << 24)), second = (uint32_t)(i / PHILOX_DRAWS);
            kept[i * length + j] = philox_draw(&p, first, second, i % PHILOX_DRAWS) >= a->dropped;
        }
}
