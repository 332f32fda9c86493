#include "CKernels.h"

#include <math.h>
#include <string.h>

// The plain version: the meaning of the others, and the only one with clipping and dropout.

// Mixes a counter into 64 random bits (SplitMix64's finaliser, Steele et al. 2014).
static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

float sk_dropout_factor(uint64_t key, uint64_t rating, int side, size_t index, float dropout) {
    uint64_t place = ((uint64_t)index * 2 + (uint64_t)side + 1) * 0xD1B54A32D192ED03ull;
    uint64_t bits = mix(mix(key + rating * 0x9E3779B97F4A7C15ull) + place);
    return (float)(bits >> 40) * 0x1p-24f < dropout ? 0.0f : 1.0f / (1.0f - dropout);
}

// What dropout makes of the product of factor `f` of both rows.
static inline float kept(const sk_sgd_block *b, size_t rating, size_t f) {
    if (b->dropout <= 0) return 1;
    return sk_dropout_factor(b->dropout_key, rating, 0, f, b->dropout) *
           sk_dropout_factor(b->dropout_key, rating, 1, f, b->dropout);
}

// Moves one scalar parameter against its gradient; AdaGrad where there is a sum of squares.
static inline void move_bias(float *bias, float *square, float gradient, float rate) {
    if (square) {
        *square += gradient * gradient;
        rate /= sqrtf(1.0f + *square);
    }
    *bias += rate * gradient;
}

// One rating; returns its error before the update. `rating` counts within the block.
static float plain_rating(const sk_sgd_block *b, uint32_t user, size_t rating) {
    const uint32_t item = b->items[rating];
    float *p = b->user_factors + (size_t)user * b->stride;
    float *q = b->item_factors + (size_t)item * b->stride;
    float error = b->values[rating] - b->mean;
    if (b->user_biases) error -= b->user_biases[user] + b->item_biases[item];

    float dot = 0;
    for (size_t f = 0; f < b->width; f++) {
        float keep = kept(b, rating, f);
        dot += keep * p[f] * q[f];
    }
    error -= dot;

    // Squared norms of the two rows' descent directions, for AdaGrad and for clipping.
    float user_norm = 0, item_norm = 0;
    if (b->user_squares || b->clip > 0) {
        for (size_t f = 0; f < b->width; f++) {
            float keep = kept(b, rating, f);
            float gp = error * keep * q[f] - b->penalty * p[f];
            float gq = error * keep * p[f] - b->penalty * q[f];
            user_norm += gp * gp;
            item_norm += gq * gq;
        }
    }
    float user_bias_move = 0, item_bias_move = 0;
    if (b->user_biases) {
        user_bias_move = error - b->bias_penalty * b->user_biases[user];
        item_bias_move = error - b->bias_penalty * b->item_biases[item];
    }
    float shrink = 1;
    if (b->clip > 0) {
        float norm = sqrtf(user_norm + item_norm + user_bias_move * user_bias_move + item_bias_move * item_bias_move);
        if (norm > b->clip) shrink = b->clip / norm;
    }
    float user_rate = b->rate, item_rate = b->rate;
    if (b->user_squares) {
        b->user_squares[user] += shrink * shrink * user_norm / (float)b->width;
        b->item_squares[item] += shrink * shrink * item_norm / (float)b->width;
        user_rate /= sqrtf(1.0f + b->user_squares[user]);
        item_rate /= sqrtf(1.0f + b->item_squares[item]);
    }
    for (size_t f = 0; f < b->width; f++) {
        float keep = kept(b, rating, f);
        float old = p[f];
        p[f] += user_rate * shrink * (error * keep * q[f] - b->penalty * old);
        q[f] += item_rate * shrink * (error * keep * old - b->penalty * q[f]);
    }
    if (b->user_biases) {
        move_bias(&b->user_biases[user], b->user_bias_squares ? &b->user_bias_squares[user] : NULL,
                  shrink * user_bias_move, b->rate);
        move_bias(&b->item_biases[item], b->item_bias_squares ? &b->item_bias_squares[item] : NULL,
                  shrink * item_bias_move, b->rate);
    }
    return error;
}

double sk_sgd_plain(const sk_sgd_block *b) {
    double loss = 0;
    const uint32_t *group = b->users;
    size_t rating = 0;
    for (size_t size = SK_SGD_GROUP; size > 0; size--) {
        for (size_t left = b->groups[SK_SGD_GROUP - size]; left > 0; left--, group++) {
            for (size_t j = 0; j < size; j++, rating++) {
                float error = plain_rating(b, *group & ~SK_SGD_WAITS, rating);
                loss += (double)error * error;
            }
        }
    }
    return loss;
}

double sk_sgd(const sk_sgd_block *block, int isa) {
#if defined(__x86_64__)
    if (block->clip <= 0 && block->dropout <= 0) {
        if (isa >= SK_ISA_AVX512) return block->user_squares ? sk_adagrad_avx512(block) : sk_sgd_avx512(block);
        if (isa >= SK_ISA_AVX2) return block->user_squares ? sk_adagrad_avx2(block) : sk_sgd_avx2(block);
    }
#endif
    (void)isa;
    return sk_sgd_plain(block);
}
