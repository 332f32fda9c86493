#include "rank_candidates.h"

#pragma STDC FP_CONTRACT OFF

static void tile_1(
    const float *panel, size_t dimensions, const float *packed, sk_rank_user *state, uint32_t allowed,
    uint32_t first_item) {
    float sums[SK_RANK_PANEL] = {0};
    for (size_t d = 0; d < dimensions; d++) {
        for (size_t j = 0; j < SK_RANK_PANEL; j++) sums[j] += packed[d] * panel[d * SK_RANK_PANEL + j];
    }
    uint32_t mask = 0;
    for (size_t j = 0; j < SK_RANK_PANEL; j++) mask |= (uint32_t)(sums[j] > state->threshold) << j;
    if (mask) sk_rank_take(state, sums, mask, allowed, first_item);
}

void sk_rank_block_baseline(
    const sk_rank_index *index, const float *users, size_t stride, size_t user_count, float *packed,
    sk_rank_user *states) {
    static const size_t widths[] = {1};
    static sk_rank_tile *const tiles[] = {tile_1};
    sk_rank_walk(index, users, stride, user_count, packed, states, widths, tiles, 1);
}

void sk_rank_scores_baseline(
    const float *vectors, size_t stride, size_t dimensions, const float *user, const uint32_t *items, size_t count,
    float *scores) {
    for (size_t i = 0; i < count; i++) {
        const float *item = vectors + items[i] * stride;
        float sum = 0;
        for (size_t d = 0; d < dimensions; d++) sum += user[d] * item[d];
        scores[i] = sum;
    }
}

// Merges two rising runs of different numbers.
static void merge(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count, uint64_t *out) {
    const uint64_t *const a_end = a + a_count, *const b_end = b + b_count;
    while (a != a_end && b != b_end) {
        const uint64_t left = *a, right = *b;
        const int take_left = left < right;
        *out++ = take_left ? left : right;
        a += take_left;
        b += !take_left;
    }
    memcpy(out, a, (size_t)(a_end - a) * sizeof *a);
    memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof *b);
}

uint64_t *sk_rank_sort(uint64_t *keys, size_t count) {
    const size_t run = 8;
    for (size_t start = 0; start < count; start += run) {
        const size_t end = start + run < count ? start + run : count;
        for (size_t i = start + 1; i < end; i++) {
            const uint64_t key = keys[i];
            size_t hole = i;
            for (; hole > start && keys[hole - 1] > key; hole--) keys[hole] = keys[hole - 1];
            keys[hole] = key;
        }
    }
    uint64_t *from = keys, *to = keys + count;
    for (size_t width = run; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            const size_t middle = start + width < count ? start + width : count;
            const size_t end = start + 2 * width < count ? start + 2 * width : count;
            merge(from + start, middle - start, from + middle, end - middle, to + start);
        }
        uint64_t *const sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

uint32_t sk_rank_finish(sk_rank_user *state, uint64_t *keys) {
    sk_rank_shrink(state, state->top);
    const uint32_t count = state->count;
    // Of equal scores the place tells, which rises with the item.
    for (uint32_t i = 0; i < count; i++) keys[i] = sk_rank_key(state->scores[i], i);
    const uint64_t *sorted = sk_rank_sort(keys, count);
    // The free half of `keys` holds the result until all of it is read.
    uint64_t *const moved = sorted == keys ? keys + count : keys;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t place = (uint32_t)sorted[i];
        uint32_t bits;
        memcpy(&bits, &state->scores[place], sizeof bits);
        moved[i] = (uint64_t)bits << 32 | state->items[place];
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)(moved[i] >> 32);
        memcpy(&state->scores[i], &bits, sizeof bits);
        state->items[i] = (uint32_t)moved[i];
    }
    return count;
}
