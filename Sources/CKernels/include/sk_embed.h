// Embedding tables, [rows × stride] floats of which `width` mean something: bags of rows pooled, and rows changed by sparse
// gradients in one pass.
#ifndef STARLING_SK_EMBED_H
#define STARLING_SK_EMBED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// out[i × out_stride + 0..<width] = the mean of the table's rows in bag bags[i], which are values[offsets[b]..<offsets[b + 1]];
// zeros for an empty bag. Where offsets is null, bag b is the one row values[b].
void sk_embed_pool(
    const float *table, size_t stride, size_t width, const uint64_t *offsets, const uint32_t *values,
    const uint32_t *bags, size_t count, float *out, size_t out_stride, int isa);

enum { SK_EMBED_SGD, SK_EMBED_ROWWISE_ADAGRAD, SK_EMBED_ADAGRAD, SK_EMBED_ADAM };

// How rows change by the sum g of their gradients.
//   SGD               w −= rate·g
//   row-wise Adagrad  s += mean(g²); w −= rate·g / (√s + epsilon); one s a row
//   Adagrad           s += g²;       w −= rate·g / (√s + epsilon); Duchi et al. 2011
//   Adam, lazy        of the rows that have gradients alone, each with a step count of its own; Kingma & Ba 2015
typedef struct {
    int kind;
    float rate, epsilon, beta1, beta2;
    size_t width, stride;
    float *table;
    float *rows;  // [rows]: row-wise sums, or Adam's step counts; otherwise unused
    float *state; // Adagrad: sums, [rows × stride]; Adam: both moments, [rows × 2·stride]; otherwise unused
} sk_embed;

// Changes rows[first..<last]: the gradient of row g is the sum of weights[j] × gradients[samples[j]] over j in
// starts[g]..<starts[g + 1], in that order. No row stands twice; `sum` has room for `stride` floats.
void sk_embed_update(
    const sk_embed *embed, const uint32_t *rows, const uint32_t *starts, size_t first, size_t last,
    const uint32_t *samples, const float *weights, const float *gradients, size_t gradient_stride, float *sum, int isa);

#ifdef __cplusplus
}
#endif

#endif
