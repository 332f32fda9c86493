#include "CKernels.h"

#include <string.h>

// Sixteen floats: a register with AVX-512, two with AVX, four elsewhere. The compiler splits them.
typedef float vector __attribute__((vector_size(64)));
typedef float quarter __attribute__((vector_size(16)));
enum {
    LANES = 16,
    DEPTH = 64,            // interactions that are packed and multiplied at a time
    AHEAD = 32,            // rows are asked for so many interactions ahead
    CACHED = 1 << 17,      // floats of the other side that conjugate gradients walk again and again: half a megabyte
};

int sk_als_takes_dual(size_t order, size_t count) { return count <= order * 5 / 8; }

size_t sk_als_scratch(size_t order, size_t longest) {
    return 3 * order * order + (2 * DEPTH + 96) * order + 3 * SK_ALS_TOGETHER * order + 3 * (longest + LANES) + CACHED;
}

// The weight and target of interaction e.
static inline __attribute__((always_inline)) void weigh(
    const sk_als_side *side, const sk_als_row *row, size_t e, float *weight, float *target) {
    const float value = row->values ? row->values[e] : 1;
    const float bias = side->biases ? side->biases[row->columns[e]] : 0;
    *weight = side->weight0 + side->weight1 * value;
    *target = *weight > 0 ? side->target0 + side->target1 * (value - side->mean - bias) : 0;
}

// Those of interactions e … e + 3; zero from `to` on.
static inline __attribute__((always_inline)) void weigh4(
    const sk_als_side *side, const sk_als_row *row, size_t e, size_t to, quarter *weights, quarter *targets) {
    if (to - e < 4) {
        *weights = *targets = (quarter){};
        for (size_t i = 0; i < 4 && e + i < to; i++) weigh(side, row, e + i, (float *)weights + i, (float *)targets + i);
        return;
    }
    quarter values = {1, 1, 1, 1}, biases = {};
    if (row->values) memcpy(&values, row->values + e, sizeof values);
    if (side->biases) {
        for (int i = 0; i < 4; i++) biases[i] = side->biases[row->columns[e + (size_t)i]];
    }
    *weights = side->weight0 + side->weight1 * values;
    const quarter all = side->target0 + side->target1 * (values - side->mean - biases);
    typedef int32_t mask __attribute__((vector_size(16)));
    *targets = (quarter)((mask)all & (*weights > 0));
}

// Asks for a row of the other side, into the second-level cache: the first has room for too few that are on their way.
static inline __attribute__((always_inline)) void fetch(const sk_als_side *side, const sk_als_row *row, size_t e) {
    if (e >= row->count) return;
    const float *y = side->factors + row->columns[e] * side->stride;
    for (size_t v = 0; v < side->stride; v += LANES) __builtin_prefetch(y + v, 0, 2);
}

#define TARGET
#define NAMED(step) step##_plain
enum { ROWS_plain = 2, WIDE_plain = 1 };
#include "als_matrix.inc"
#include "als_rows.inc"
#include "als_iterative.inc"
#undef TARGET
#undef NAMED

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(step) step##_avx2
enum { ROWS_avx2 = 4, WIDE_avx2 = 1 };
#include "als_matrix.inc"
#include "als_rows.inc"
#include "als_iterative.inc"
#undef TARGET
#undef NAMED

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"), min_vector_width(512)))
#define NAMED(step) step##_avx512
enum { ROWS_avx512 = 8, WIDE_avx512 = 3 };
#include "als_matrix.inc"
#include "als_rows.inc"
#include "als_iterative.inc"
#undef TARGET
#undef NAMED

#define PICK(step, ...) \
    (isa >= SK_ISA_AVX512 ? step##_avx512(__VA_ARGS__) : isa >= SK_ISA_AVX2 ? step##_avx2(__VA_ARGS__) : step##_plain(__VA_ARGS__))
#else
#define PICK(step, ...) ((void)isa, step##_plain(__VA_ARGS__))
#endif

void sk_als_solve(const sk_als_side *side, const sk_als_row *row, float *scratch, int isa) {
    if (side->diagonal && !row->noise && !row->linear && sk_als_takes_dual(side->order, row->count)) {
        PICK(dual, side, row, scratch);
    } else {
        PICK(primal, side, row, scratch);
    }
}

void sk_als_cg(const sk_als_side *side, const sk_als_row *rows, size_t count, size_t steps, float *scratch, int isa) {
    PICK(cg, side, rows, count, steps, scratch);
}

void sk_als_subspace(const sk_als_side *side, const sk_als_row *row, size_t block, float *scratch, int isa) {
    PICK(subspace, side, row, block, scratch);
}

void sk_als_gram(const float *factors, size_t order, size_t rows, float *gram, int isa) {
    memset(gram, 0, order * order * sizeof(float));
    PICK(syrk, gram, order, factors, rows);
}

void sk_als_rotate(const float *rows, float *out, size_t count, size_t order, const float *matrix, float *scratch, int isa) {
    PICK(rotate_rows, rows, out, count, order, matrix, scratch);
}

void sk_als_scores(const sk_als_side *side, const sk_als_row *row, float *out, int isa) { PICK(scores, side, row, out); }
