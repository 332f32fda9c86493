#include "CKernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef double row __attribute__((vector_size(64), aligned(8)));

#define TARGET
#define NAMED(step) step##_plain
#include "eigen.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) step##_avx2
#include "eigen.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) step##_avx512
#include "eigen.inc"
#undef TARGET
#undef NAMED
#endif

int sk_eigen(double *a, size_t n, double *values, double *vectors, double *scratch, int isa) {
#if defined(__x86_64__)
    if (isa >= SK_ISA_AVX512) return eigen_avx512(a, n, values, vectors, scratch);
    if (isa >= SK_ISA_AVX2) return eigen_avx2(a, n, values, vectors, scratch);
#endif
    (void)isa;
    return eigen_plain(a, n, values, vectors, scratch);
}
