#include "CKernels.h"
#include <math.h>

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
