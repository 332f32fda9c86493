// Stochastic gradient descent over one block of ratings, for r̂ = mean + b_u + b_i + ⟨p_u, q_i⟩ and the loss
// Σ (r − r̂)² / 2 + λ/2 (‖p_u‖² + ‖q_i‖²) + λ_b/2 (b_u² + b_i²), regularised at every rating.
//
// Row-wise AdaGrad (after Duchi et al. 2011; one rate a row, as LIBMF has) divides a row's rate by √(1 + S). S grows
// by e² times the mean square of the other row, which is the mean square of the error's gradient; for a bias by e².
// A user's rate, and the square of its row that an item's S grows by, are those at the start of a group.
#ifndef STARLING_SK_SGD_H
#define STARLING_SK_SGD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Most ratings in a group.
#define SK_SGD_GROUP 4

// Set in a group's user: it shares its user or an item with the group before it, and waits for that one.
#define SK_SGD_WAITS 0x80000000u

// Rows are `stride` floats apart, a multiple of 16, 64-byte aligned and zero beyond the factors.
// Pointers marked “or NULL” switch their part off.
typedef struct {
    float *user_factors;        // [users × stride]
    float *item_factors;        // [items × stride]
    float *user_biases;         // [users] or NULL, together with item_biases
    float *item_biases;         // [items] or NULL
    float *user_squares;        // [users] AdaGrad: sums of mean squared gradients, or NULL for plain SGD
    float *item_squares;        // [items]
    float *user_bias_squares;   // [users]
    float *item_bias_squares;   // [items]
    size_t stride;
    size_t width;               // factors, without the padding

    // A group is one to four ratings of one user, whose items differ. Those of four ratings come first, then
    // those of three, two and one.
    size_t groups[SK_SGD_GROUP];  // how many of each: four, three, two, one
    const uint32_t *users;      // [groups] with SK_SGD_WAITS where it applies
    const uint32_t *items;      // [ratings] group after group
    const float *values;        // [ratings]

    float mean;
    float rate;                 // learning rate
    float penalty;              // λ
    float bias_penalty;         // λ_b
    float clip;                 // largest norm of one rating's gradient; 0 = no limit (plain version only)
    float dropout;              // chance that a factor is dropped from a rating; 0 = none (plain version only)
    uint64_t dropout_key;       // differs from epoch to epoch and block to block
} sk_sgd_block;

// Walks the block once, in order. Returns the sum of squared errors, each measured before its own update.
double sk_sgd_plain(const sk_sgd_block *block);
#if defined(__x86_64__)
double sk_sgd_avx2(const sk_sgd_block *block);
double sk_sgd_avx512(const sk_sgd_block *block);
#endif

// The version for an instruction set (sk_isa); blocks with clipping or dropout always take the plain one.
double sk_sgd(const sk_sgd_block *block, int isa);

// 0 if factor `index` of rating `rating` is dropped, else 1 / (1 − dropout). `side` is 0 for users, 1 for items.
float sk_dropout_factor(uint64_t key, uint64_t rating, int side, size_t index, float dropout);

#ifdef __cplusplus
}
#endif

#endif
