// Causal attention of sequences of various lengths that lie one behind the other, with dropout of its weights; and its
// gradients, for which weights and mask are made again, a square of positions at a time.
#ifndef STARLING_SK_ATTENTION_H
#define STARLING_SK_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Sequence s is the rows starts[s]..<starts[s + 1] of all matrices, [positions × stride], and head h their columns
// h·depth..<(h + 1)·depth. A row i of a sequence, counted from its first, attends to its rows j ≤ i:
//   weight(i, j) = softmax over j of scale·⟨query i, key j⟩
//   output i = Σ weight(i, j)·factor·value j over the kept (i, j)
// Dropout as in sk_dropout.h: (i, j) of head h has draw i % 8 of the block whose counter is j + 2²⁴·h and, above it, i / 8,
// in stream `stream + s`. Up to 256 heads and 2²⁴ rows a sequence.
typedef struct {
    size_t heads, depth;
    float scale;
    uint32_t dropped; // of 65536 weights; 0 for all kept
    uint64_t seed, stream;
    const uint32_t *starts;
    const float *queries, *keys, *values;
    size_t query_stride, key_stride, value_stride;
} sk_attention;

// Floats of scratch for sequences of up to `longest` rows, the same for both ways. It lies at a multiple of 64 bytes; what
// it holds before and after does not matter.
size_t sk_attention_scratch(size_t longest, size_t depth);

// Writes the output of sequences first..<last, rows of `stride` floats, and of every row and head the logarithm of the
// sum of exponentials that its weights were divided by, [positions × heads]. What is written of a sequence does not depend
// on which others are.
void sk_attention_forward(
    const sk_attention *attention, size_t first, size_t last, float *scratch, float *output, size_t stride,
    float *logarithms, int isa);

// Writes the gradients of queries, keys and values, which have these' strides, from what sk_attention_forward wrote and the
// gradients of its output.
void sk_attention_backward(
    const sk_attention *attention, size_t first, size_t last, float *scratch, const float *output,
    const float *output_gradients, size_t stride, const float *logarithms, float *query_gradients,
    float *key_gradients, float *value_gradients, int isa);

// kept[i × length + j] = whether (i, j) of a sequence and head is kept; `length` is the sequence's.
void sk_attention_mask(const sk_attention *attention, size_t sequence, size_t head, size_t length, uint8_t *kept);

#ifdef __cplusplus
}
#endif

#endif
