#include "CKernels.h"
#include "philox.h"

#define TARGET
#define NAMED(step) random_##step##_plain
#include "random.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) random_##step##_avx2
#include "random.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) random_##step##_avx512
#include "random.inc"
#undef TARGET
#undef NAMED
#endif

void sk_random(uint64_t seed, uint64_t stream, uint32_t first, uint64_t *out, size_t count, int isa) {
    const philox_stream p = philox_make(seed, stream);
    (void)isa;
#if defined(__x86_64__)
    if (isa >= SK_ISA_AVX512) {
        random_numbers_avx512(&p, first, out, count);
        return;
    }
    if (isa >= SK_ISA_AVX2) {
        random_numbers_avx2(&p, first, out, count);
        return;
    }
#endif
    random_numbers_plain(&p, first, out, count);
}
