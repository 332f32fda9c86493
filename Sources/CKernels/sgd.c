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

// AdaGrad's rate over a sum of squares; the plain rate without one.
static inline float adapted(const sk_sgd_block *b, const float *squares, size_t row) {
    return squares ? b->rate / sqrtf(1.0f + squares[row]) : b->rate;
}

static float squared_norm(const float *row, size_t width) {
    float sum = 0;
    for (size_t f = 0; f < width; f++) sum += row[f] * row[f];
    return sum;
}

// What is the same for all ratings of a group: the user, the rates of the user's row and bias, and the squared norm
// of the row, as they are when the group begins.
typedef struct {
    uint32_t user;
    float rate, bias_rate, norm;
} group_start;

// One rating; returns its error before the update. `rating` counts within the block.
static float plain_rating(const sk_sgd_block *b, const group_start *start, size_t rating) {
    const uint32_t user = start->user, item = b->items[rating];
    float *p = b->user_factors + (size_t)user * b->stride;
    float *q = b->item_factors + (size_t)item * b->stride;
    float error = b->values[rating] - b->mean, dot = 0;
    if (b->user_biases) error -= b->user_biases[user] + b->item_biases[item];
    for (size_t f = 0; f < b->width; f++) dot += kept(b, rating, f) * p[f] * q[f];
    error -= dot;

    const float user_bias = b->user_biases ? error - b->bias_penalty * b->user_biases[user] : 0;
    const float item_bias = b->user_biases ? error - b->bias_penalty * b->item_biases[item] : 0;
    float shrink = 1;
    if (b->clip > 0) {
        float square = user_bias * user_bias + item_bias * item_bias;
        for (size_t f = 0; f < b->width; f++) {
            float keep = kept(b, rating, f);
            float gp = error * keep * q[f] - b->penalty * p[f];
            float gq = error * keep * p[f] - b->penalty * q[f];
            square += gp * gp + gq * gq;
        }
        float norm = sqrtf(square);
        if (norm > b->clip) shrink = b->clip / norm;
    }
    const float user_rate = start->rate * shrink, item_rate = adapted(b, b->item_squares, item) * shrink;
    if (b->user_biases) {
        b->user_biases[user] += start->bias_rate * shrink * user_bias;
        b->item_biases[item] += adapted(b, b->item_bias_squares, item) * shrink * item_bias;
    }
    if (b->user_squares) {
        const float square = shrink * shrink * error * error;
        b->user_squares[user] += square * squared_norm(q, b->width) / (float)b->width;
        b->item_squares[item] += square * start->norm / (float)b->width;
        if (b->user_biases) {
            b->user_bias_squares[user] += square;
            b->item_bias_squares[item] += square;
        }
    }
    for (size_t f = 0; f < b->width; f++) {
        float keep = kept(b, rating, f);
        float old = p[f];
        p[f] += user_rate * (error * keep * q[f] - b->penalty * old);
        q[f] += item_rate * (error * keep * old - b->penalty * q[f]);
    }
    return error;
}

double sk_sgd_plain(const sk_sgd_block *b) {
    double loss = 0;
    const uint32_t *group = b->users;
    size_t rating = 0;
    for (size_t size = SK_SGD_GROUP; size > 0; size--) {
        for (size_t left = b->groups[SK_SGD_GROUP - size]; left > 0; left--, group++) {
            group_start start = {.user = *group & ~SK_SGD_WAITS};
            start.rate = adapted(b, b->user_squares, start.user);
            start.bias_rate = adapted(b, b->user_bias_squares, start.user);
            if (b->user_squares) start.norm = squared_norm(b->user_factors + start.user * b->stride, b->width);
            for (size_t j = 0; j < size; j++, rating++) {
                float error = plain_rating(b, &start, rating);
                loss += (double)error * error;
            }
        }
    }
    return loss;
}

double sk_sgd(const sk_sgd_block *block, int isa) {
#if defined(__x86_64__)
    if (block->clip <= 0 && block->dropout <= 0) {
        if (isa >= SK_ISA_AVX512) return sk_sgd_avx512(block);
        if (isa >= SK_ISA_AVX2) return sk_sgd_avx2(block);
    }
#endif
    (void)isa;
    return sk_sgd_plain(block);
}
