#include "CKernels.h"
#include <float.h>
#include <math.h>
#include <string.h>

// eˣ for x ≤ 0, within 2e-7 of it, as in Cephes' expf; below −87 as at −87.
static inline __attribute__((always_inline)) float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    // The nearest whole number of log 2s: what is added has no binary places left.
    const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * f + 1.3981999507e-3f;
    y = y * f + 8.3334519073e-3f;
    y = y * f + 4.1665795894e-2f;
    y = y * f + 1.6666665459e-1f;
    y = y * f + 5.0000001201e-1f;
    y = y * f * f + f + 1.0f;
    const uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

#define TARGET
#define NAME(f) embed_##f##_plain
#include "embed.inc"
#undef TARGET
#undef NAME

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(f) embed_##f##_avx2
#include "embed.inc"
#undef TARGET
#undef NAME

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAME(f) embed_##f##_avx512
#include "embed.inc"
#undef TARGET
#undef NAME

#define DISPATCH(f, ...)                                                 \
    if (isa >= SK_ISA_AVX512) return embed_##f##_avx512(__VA_ARGS__);    \
    if (isa >= SK_ISA_AVX2) return embed_##f##_avx2(__VA_ARGS__);
#else
#define DISPATCH(f, ...)
#endif

void sk_embed_pool(
    const float *table, size_t stride, size_t width, const uint64_t *offsets, const uint32_t *values,
    const uint32_t *bags, size_t count, float *out, size_t out_stride, int isa) {
    (void)isa;
    DISPATCH(pool, table, stride, width, offsets, values, bags, count, out, out_stride)
    embed_pool_plain(table, stride, width, offsets, values, bags, count, out, out_stride);
}

void sk_embed_update(
    const sk_embed *embed, const uint32_t *rows, const uint32_t *starts, size_t first, size_t last,
    const uint32_t *samples, const float *weights, const float *gradients, size_t gradient_stride, float *sum, int isa) {
    (void)isa;
    DISPATCH(update, embed, rows, starts, first, last, samples, weights, gradients, gradient_stride, sum)
    embed_update_plain(embed, rows, starts, first, last, samples, weights, gradients, gradient_stride, sum);
}

float sk_softmax_gradient(
    float *scores, size_t count, const float *corrections, size_t own, float own_correction, float scale, float weight,
    int isa) {
    (void)isa;
    DISPATCH(softmax, scores, count, corrections, own, own_correction, scale, weight)
    return embed_softmax_plain(scores, count, corrections, own, own_correction, scale, weight);
}
