// The ranker's inner loops: the best `top` items of each user by the dot product of their vectors.
//
// Item vectors stand in panels of 32: [panels][dimensions][32], zero padded. Every score is one sum over the
// dimensions in rising order, starting from 0, whatever the place in a tile or the number of users, so a score
// has the same bits however it was asked for. The avx2 and avx512 versions round once a step (fused multiply-
// add) and agree with each other bit for bit; the baseline version rounds the product and the sum apart.
#ifndef STARLING_SK_RANK_H
#define STARLING_SK_RANK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SK_RANK_PANEL = 32,  // items in a panel
    SK_RANK_TILE = 12    // users that a block is rounded up to
};

typedef struct {
    const float *panels;      // [panels][dimensions][32]
    const uint32_t *allowed;  // [panels]; bit j: item 32 p + j may be recommended
    size_t panel_count;
    size_t dimensions;
} sk_rank_index;

// The candidates of one user, in rising item order until sk_rank_finish.
typedef struct {
    float threshold;           // only higher scores can still be among the best; -inf at the start
    uint32_t top;              // how many are wanted, at least 1
    uint32_t count;            // how many are held; 0 at the start
    uint32_t capacity;         // room in `scores` and `items`, at least top + 32 (unless all items fit)
    float *scores;             // [capacity]
    uint32_t *items;           // [capacity]
    const uint32_t *seen;      // items to leave out, rising, repeats allowed; moved on by the scan
    const uint32_t *seen_end;
} sk_rank_user;

// Scores every item for `user_count` users, [user_count × dimensions] with `stride` floats from one to the next,
// and keeps the candidates in `states` [user_count rounded up to 12; the surplus is scratch]. An item is a
// candidate if it is allowed, not seen and its score is above -inf (so NaN never is). `packed` has room for
// [user_count rounded up to 12] × dimensions floats.
void sk_rank_block_baseline(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states);

// Cuts the candidates to the best `top` and sorts them: higher scores first, ties by the lower item. Returns how
// many there are; they stand at the front of `items` and `scores`. `keys` has room for 2 × top numbers.
uint32_t sk_rank_finish(sk_rank_user *state, uint64_t *keys);

// scores[i] = the score of items[i], with the bits that the block function gives it; `vectors` are [items × stride].
void sk_rank_scores_baseline(
    const float *vectors, size_t stride, size_t dimensions, const float *user, const uint32_t *items, size_t count,
    float *scores);

#if defined(__x86_64__)
void sk_rank_block_avx2(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states);
void sk_rank_block_avx512(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states);
void sk_rank_scores_fma(
    const float *vectors, size_t stride, size_t dimensions, const float *user, const uint32_t *items, size_t count,
    float *scores);
#endif

#ifdef __cplusplus
}
#endif

#endif
