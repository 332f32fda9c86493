// One mini-batch of Adam (Kingma & Ba 2015) with lazy moments: only rows that the batch touches move, as with
// PyTorch's SparseAdam. The loss is the batch's mean squared error; its model is r̂ = mean + b_u + b_i + ⟨p_u, q_i⟩.
//
// Three steps, each over disjoint ranges that may run side by side: errors of samples; gradients of touched rows
// (reading only); moves of touched rows. Side 0 is users, side 1 items.
#ifndef STARLING_SK_ADAM_H
#define STARLING_SK_ADAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    float *factors;             // [rows × stride]
    float *biases;              // [rows] or NULL
    float *first;               // [rows × stride] mean of gradients
    float *second;              // [rows × stride] mean of squared gradients
    float *bias_first;          // [rows]
    float *bias_second;         // [rows]
    const uint32_t *rows;       // [samples] the row of each sample
    const uint32_t *order;      // [samples] samples grouped by row
    const uint32_t *group_ends; // [groups] where each row's samples end in `order`
    size_t groups;              // touched rows
    float *gradients;           // [groups × stride] scratch
    float *bias_gradients;      // [groups] scratch
} sk_adam_side;

typedef struct {
    sk_adam_side sides[2];
    size_t stride, width, samples;
    const float *values;        // [samples]
    float *errors;              // [samples] r − r̂, filled by the first step
    float mean, rate, penalty, bias_penalty;
    float beta1, beta2, epsilon;
    float correction1, correction2; // 1 − β₁ᵗ and 1 − β₂ᵗ
    float gradient_scale;       // below 1 where the batch's gradient is clipped; read by the third step
    float dropout;              // chance that a factor is dropped; 0 = none
    uint64_t dropout_key;       // differs from batch to batch
} sk_adam_batch;

// Step 1 over samples from..<to: fills errors, returns their sum of squares.
double sk_adam_errors(const sk_adam_batch *batch, size_t from, size_t to, int isa);
// Step 2 over groups from..<to of a side: fills gradients of the mean squared error (penalty left out), returns
// the sum of their squares.
double sk_adam_gradients(const sk_adam_batch *batch, int side, size_t from, size_t to, int isa);
// Step 3 over groups from..<to of a side: moves moments, factors and biases.
void sk_adam_move(const sk_adam_batch *batch, int side, size_t from, size_t to, int isa);

#ifdef __cplusplus
}
#endif

#endif
