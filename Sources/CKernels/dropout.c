#include "CKernels.h"
#include "philox.h"

#include <string.h>

enum { GROUP = PHILOX_LANES * PHILOX_DRAWS }; // elements of 16 blocks

#define TARGET
#define NAMED(step) dropout_##step##_plain
#include "dropout.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) dropout_##step##_avx2
#include "dropout.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) dropout_##step##_avx512
#include "dropout.inc"
#undef TARGET
#undef NAMED
#endif

void sk_dropout(
    const float *x, const float *residual, size_t count, uint32_t dropped, uint64_t seed, uint64_t stream,
    uint64_t offset, float *y, int isa) {
    const philox_stream p = philox_make(seed, stream);
    if (!dropped) {
        for (size_t i = 0; i < count; i++) y[i] = residual ? residual[i] + x[i] : x[i];
        return;
    }
    (void)isa;
#if defined(__x86_64__)
    if (isa >= SK_ISA_AVX512) {
        dropout_range_avx512(&p, x, residual, count, dropped, offset, y);
        return;
    }
    if (isa >= SK_ISA_AVX2) {
        dropout_range_avx2(&p, x, residual, count, dropped, offset, y);
        return;
    }
#endif
    dropout_range_plain(&p, x, residual, count, dropped, offset, y);
}

void sk_dropout_mask(
    size_t count, uint32_t dropped, uint64_t seed, uint64_t stream, uint64_t offset, uint8_t *kept) {
    const philox_stream p = philox_make(seed, stream);
    for (size_t i = 0; i < count; i++) {
        const uint64_t e = offset + i, block = e / GROUP * PHILOX_LANES + e % PHILOX_LANES;
        const size_t draw = e / PHILOX_LANES % PHILOX_DRAWS;
        kept[i] = philox_draw(&p, (uint32_t)block, (uint32_t)(block >> 32), draw) >= dropped;
    }
}
