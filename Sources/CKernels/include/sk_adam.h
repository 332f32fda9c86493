// Mini-batches of Adam (Kingma & Ba 2015) with lazy moments: only rows that a batch touches move, as with PyTorch's
// SparseAdam. The loss is the batch's mean squared error; its model is r̂ = mean + b_u + b_i + ⟨p_u, q_i⟩.
//
// Every row has one owner among the workers, who alone sums its gradient, over the batch's samples in their order, and
// moves it; so results do not depend on how many workers there are. Side 0 is users, side 1 items. A batch takes
//   users' gradients (and errors)  – all workers –  items' gradients, items' moves  – all workers –  users' moves
// where “– all workers –” is a wait for everybody, and the users' moves need none before the next batch's gradients.
#ifndef STARLING_SK_ADAM_H
#define STARLING_SK_ADAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t user, item;
    float value;
} sk_adam_rating;

// One side of a batch. Rows of tables are `stride` floats apart, a multiple of 16, 64-byte aligned and zero beyond the
// factors.
typedef struct {
    float *factors;       // [rows × stride]
    float *biases;        // [rows] or NULL, together with the other side's
    float *moments;       // [rows × 2 × stride] mean of gradients, then mean of squared gradients
    float *bias_moments;  // [rows × 2]
    const uint32_t *rows; // [samples] the row of each sample
    const uint32_t *next; // [samples] the next sample with the same row, or SK_ADAM_END
} sk_adam_side;

#define SK_ADAM_END UINT32_MAX

typedef struct {
    sk_adam_side sides[2];
    size_t stride, width, samples;
    const float *values;  // [samples]
    float *errors;        // [samples] r − r̂, filled with the users' gradients
    float *norms;         // [2 × samples] or NULL: squared norms of gradients, by side, at each row's first sample
    float mean, rate, penalty, bias_penalty;
    float beta1, rest1;   // β₁ and 1 − β₁, each rounded once
    float beta2, rest2;
    float epsilon;
    float correction1, correction2; // 1 − β₁ᵗ and 1 − β₂ᵗ
    float gradient_scale; // below 1 where the batch's gradient is clipped; read by moves
    float dropout;        // chance that a factor is dropped; 0 = none
    uint64_t dropout_key; // differs from batch to batch
} sk_adam_batch;

// The rows of one side of a batch that one worker owns, in order of first appearance.
typedef struct {
    uint32_t *rows;       // [count]
    uint32_t *heads;      // [count] each row's first sample, from which `next` leads on
    size_t count;
    float *gradients;     // [count × stride] of the mean squared error, penalty left out
    float *bias_gradients; // [count]
} sk_adam_groups;

// When a row was last seen, and which group it was then. Never seen: batch 0.
typedef struct {
    uint32_t batch, group;
} sk_adam_slot;

// Copies ratings order[0..<count] into columns.
void sk_adam_gather(
    const sk_adam_rating *ratings, const uint32_t *order, size_t count, uint32_t *users, uint32_t *items, float *values);

// owners[i] = the owner, below `workers`, of rows[i]. Sixteen neighbouring rows, a cache line of biases, have one.
void sk_adam_owners(const uint32_t *rows, size_t count, uint32_t workers, uint16_t *owners, int isa);

// Finds the groups of `owner` among a batch's samples, and links each row's samples in `next`. `batch` tells this batch
// from all that `slots` [rows] have seen. `own` and `tails` are scratch, [samples + 16] and [samples].
void sk_adam_group(
    const uint32_t *rows, const uint16_t *owners, size_t samples, uint16_t owner, uint32_t batch, sk_adam_slot *slots,
    uint32_t *own, uint32_t *tails, uint32_t *next, sk_adam_groups *groups);

// Fills the gradients of groups, and for side 0 the errors of their samples.
void sk_adam_gradients(const sk_adam_batch *batch, int side, const sk_adam_groups *groups, int isa);

// Moves moments, factors and biases of groups.
void sk_adam_move(const sk_adam_batch *batch, int side, const sk_adam_groups *groups, int isa);

// Fills errors of samples from..<to without learning from them (no dropout); returns their sum of squares.
double sk_adam_errors(const sk_adam_batch *batch, size_t from, size_t to, int isa);

#ifdef __cplusplus
}
#endif

#endif
