// What Gibbs sampling of a factor model needs beside its rows' normal equations (sk_als.h): normal numbers by the
// million, and the scatter of a side's rows.
#ifndef STARLING_SK_GIBBS_H
#define STARLING_SK_GIBBS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Standard normal numbers by Box–Muller in 32-bit floats over Philox 4×32-10: the four words of counter c, c + 1, …
// (its low half in words 0 and 1 of Philox's counter, `stream` in words 2 and 3) make four numbers each.
// `count` is a multiple of 4. Magnitudes reach 5.8.
void sk_normals(const uint32_t key[2], const uint32_t stream[2], uint64_t counter, float *out, size_t count, int isa);

// Adds the rows' sum to sum[n] and Σ x xᵀ to the lower triangle of scatter[n × n], in double precision, where a row is
// x = (factors[0..<width], bias), n = width + 1.
typedef struct {
    const float *factors; // [rows × stride]
    const float *biases;  // [rows]
    size_t stride, width;
} sk_gibbs_rows;
void sk_gibbs_scatter(const sk_gibbs_rows *rows, size_t from, size_t to, double *sum, double *scatter, int isa);

#ifdef __cplusplus
}
#endif

#endif
