// Alternating least squares: one row's normal equations
//
//     A x = b,   A = base + ridge · I + Σ a y yᵀ,   b = linear + Σ t y
//
// over the interactions of the row, y being the other side's rows. Hu, Koren and Volinsky (2008) is base = YᵀY, a = α v,
// t = 1 + α v; Rendle et al. (2021) base = α₀ YᵀY, a = t = 1; explicit ratings base = 0, a = 1, t = v − biases.
// An interaction of weight a = 0 counts for nothing, its t included.
#ifndef STARLING_SK_ALS_H
#define STARLING_SK_ALS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const float *factors;  // [rows × stride] of the other side, 64-byte aligned, stride a multiple of 16, zero beyond width
    const float *biases;   // [rows] or NULL; the other side's biases, taken off the values; then the row's own bias is one
                           // more unknown behind `width`, whose feature is 1
    size_t stride, width;
    size_t order;          // unknowns (width, and the bias) rounded up to 16
    const float *base;     // [order × order] symmetric, 64-byte aligned, added to every matrix; beyond the unknowns zero
    const double *base64;  // the same in double precision, [order × order]; read by sk_als_solve64 alone
    int diagonal;          // whether base has nothing off its diagonal: short rows are then solved by their dual
    float mean;            // taken off the values
    float weight0, weight1; // a = weight0 + weight1 · v, never below 0
    float target0, target1; // t = target0 + target1 · (v − mean − the other row's bias)
} sk_als_side;

// One row: its interactions, and what is its own.
typedef struct {
    const uint32_t *columns; // [count] rows of the other side
    const float *values;     // [count] or NULL: all 1
    size_t count;
    float ridge;
    const float *linear;     // [order] or NULL, 64-byte aligned
    const float *noise;      // [order] or NULL, 64-byte aligned: z, standard normal; the result is A⁻¹ b + L⁻ᵀ z with A = L Lᵀ,
                             // a draw from N(A⁻¹ b, A⁻¹)
    float *x;                // [order] 64-byte aligned
} sk_als_row;

// x ← A⁻¹ b by Cholesky's decomposition. A pivot that rounding may have made of 0 leaves its unknown at 0, so a singular
// system has a finite solution. With a diagonal base and few interactions, n < order, the n × n system of the dual is solved
// in place of the other (Woodbury): x = D⁻¹ Yᵀ √a u, (I + √a Y D⁻¹ Yᵀ √a) u = t / √a, where D = base + ridge · I.
void sk_als_solve(const sk_als_side *side, const sk_als_row *row, float *scratch, int isa);

// The same in double precision, plainly.
void sk_als_solve64(const sk_als_side *side, const sk_als_row *row, double *scratch);

// `steps` of conjugate gradients from x, for many rows, whose columns ascend; the longest first is fastest. Up to
// SK_ALS_TOGETHER rows too long for the cache are walked in step, so that what they share is read once for all. A row's
// result is the same in any company.
enum { SK_ALS_TOGETHER = 512 };
void sk_als_cg(const sk_als_side *side, const sk_als_row *rows, size_t count, size_t steps, float *scratch, int isa);

// One pass of exact steps over blocks of `block` unknowns, a multiple of 16, from x (iALS++, Rendle et al. 2021).
void sk_als_subspace(const sk_als_side *side, const sk_als_row *row, size_t block, float *scratch, int isa);

// Floats of scratch, 64-byte aligned, for rows of at most `longest` interactions; sk_als_solve64 takes as many doubles.
size_t sk_als_scratch(size_t order, size_t longest);

// Whether sk_als_solve takes the dual for so many interactions, given a diagonal base.
int sk_als_takes_dual(size_t order, size_t count);

// gram[order × order] = Σ over `rows` rows of y yᵀ, lower triangle and diagonal tiles of 16 × 16. order is the stride.
void sk_als_gram(const float *factors, size_t order, size_t rows, float *gram, int isa);

// out[row] = rows[row] · matrix, [rows × order] · [order × order]; `out` may be `rows`.
void sk_als_rotate(const float *rows, float *out, size_t count, size_t order, const float *matrix, float *scratch, int isa);

// out[e] = ⟨x, y_e⟩ + bias of y_e, over a row's interactions; x without its own bias.
void sk_als_scores(const sk_als_side *side, const sk_als_row *row, float *out, int isa);

// Eigenvalues and, row by row, eigenvectors of the symmetric a[n × n], which is spoiled. Householder's tridiagonal form and
// implicit QL (EISPACK's tred2 and tql2; Wilkinson & Reinsch 1971). scratch: [3 n]. Returns 0, or 1 if it does not converge.
int sk_eigen(double *a, size_t n, double *values, double *vectors, double *scratch, int isa);

#ifdef __cplusplus
}
#endif

#endif
