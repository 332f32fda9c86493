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
    const sk_rank_index *index, const float *user, const uint32_t *items, size_t count, float *scores) {
    for (size_t i = 0; i < count; i++) {
        const size_t panel = items[i] / SK_RANK_PANEL, lane = items[i] % SK_RANK_PANEL;
        const float *item = index->panels + panel * index->dimensions * SK_RANK_PANEL + lane;
        float sum = 0;
        for (size_t d = 0; d < index->dimensions; d++) sum += user[d] * item[d * SK_RANK_PANEL];
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

// Sorts `count` different numbers; `keys` has room for twice as many. Returns where they ended up.
static uint64_t *sort(uint64_t *keys, size_t count) {
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
    // Rising keys: the order of the score turned round, then the place, which rises with the item. Adding 0 makes
    // -0 equal to +0, as comparing floats does.
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t falling = ~((uint32_t)sk_order(state->scores[i] + 0.0f) ^ 0x80000000u);
        keys[i] = (uint64_t)falling << 32 | i;
    }
    const uint64_t *sorted = sort(keys, count);
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
