#include "CKernels.h"

#include <math.h>
#include <string.h>

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

double sk_adam_gradients(const sk_adam_batch *batch, int side, size_t from, size_t to, int isa) {
    return PICK(gradients, batch, side, from, to);
}

void sk_adam_move(const sk_adam_batch *batch, int side, size_t from, size_t to, int isa) {
    PICK(move, batch, side, from, to);
}
