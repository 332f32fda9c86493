// The ranker's filter: which items can be among the best `top` of a user, found with vectors of 8-bit integers.
//
// Items stand in an order of the caller's, in panels of 32. Let m be their mean and i' = i - m; the user's part u·m of
// a score is the same for all items and is left out. One dimension, `side`, stays a float (a bias that is far larger
// than the factors would spoil their scale). The others are rounded, per item and per user: i' ≈ c ĩ, u ≈ s ũ. Then,
// in units of s, which differ from user to user,
//
//     score = (u_side / s) i'_side + c (ũ·ĩ) ± error,      error = (|u - s ũ| |i'| + s |ũ| |i' - c ĩ|) / s
//
// by the triangle and Cauchy-Schwarz inequalities, to which come bounds for every rounding of a float on the way,
// those of the exact score included. So `low` = score - error and `high` = score + error enclose the score that
// sk_rank_scores gives, and an item whose `high` is below the `top`-th best `low` is not among the best, whatever
// the ties. Those that are left get their exact score.
//
// What cannot be bounded usefully is given up and left to sk_rank_block: users without a finite positive scale, and
// users with too many items that the bounds cannot tell apart.
#ifndef STARLING_SK_FILTER_H
#define STARLING_SK_FILTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SK_FILTER_PANEL = 32,  // items in a panel
    SK_FILTER_TILE = 12,   // users in a tile
    SK_FILTER_LANES = 16,  // room for a tile's users: one vector of floats
    SK_FILTER_GROUP = 4    // dimensions that one 32-bit lane holds
};

// No value may be larger than this, so that nothing overflows.
#define SK_FILTER_LARGEST 1e12f

// What can be said of all items of a panel.
typedef struct {
    float length;     // the greatest |i'|, without `side`
    float error;      // the greatest |i' - c ĩ|, with slack for roundings
    float side_low;   // the least and the greatest i'_side
    float side_high;
} sk_filter_bound;

typedef struct {
    const float *vectors;     // [items × stride], by item row
    size_t stride;            // floats from one item to the next
    size_t dimensions;        // of a vector
    const double *centre;     // [dimensions], the mean m
    float longest;            // at least |i| + |m| for every item
    const int32_t *columns;   // [groups × 4 rounded up to 16] dimensions that are rounded, then zeros
    size_t column_count;
    size_t groups;            // column_count / 4, rounded up
    int32_t side;             // the dimension that stays a float
    int32_t range;            // integers are -range...range: at most 127, and groups × 4 × range² < 2²²
    const uint32_t *rows;     // [item_count], the item row at each place
    size_t item_count;
    size_t panel_count;
    // Written by sk_filter_pack.
    uint8_t *panels;          // [panels][groups][32][4], ĩ + 128
    float *scales;            // [panels × 32], c
    float *lifts;             // [panels × 32], -c × 1.5 × 2²³ (see the tile); NaN where there is no item
    float *sides;             // [panels × 32], i'_side
    sk_filter_bound *bounds;  // [panels]
} sk_filter_index;

// A tile of users. Lanes without a user have an infinite threshold.
typedef struct {
    float threshold[SK_FILTER_LANES];  // the `top`-th best `low`, or less
    float rounding[SK_FILTER_LANES];   // |u - s ũ| / s
    float length[SK_FILTER_LANES];     // |ũ|
    float slack[SK_FILTER_LANES];      // the error's part that is the same for all items
    float side[SK_FILTER_LANES];       // u_side / s
    float limit[SK_FILTER_LANES];      // of the present panel: threshold - error
    float error[SK_FILTER_LANES];
    int32_t start[SK_FILTER_LANES];    // where sums start
    uint32_t count[SK_FILTER_LANES];   // candidates held
    uint32_t users;
    uint32_t given_up;                 // bit u: user u is left to sk_rank_block
} sk_filter_tile;

// What a block of users is filtered with. Tile t has the candidates' rows 12 t ..< 12 t + 12.
typedef struct {
    uint32_t top;            // how many items are wanted, at least 1
    uint32_t capacity;       // candidates of a user: at least top + 128
    size_t step;             // capacity + 16 or more: a candidate row, as vectors are stored whole
    sk_filter_tile *tiles;   // [tiles]
    int32_t *packed;         // [tiles][groups][12], four integers ũ each
    float *low, *high;       // [tiles × 12 × step]
    uint32_t *places;        // [tiles × 12 × step]
    uint32_t *barred;        // [tiles][panels][12]; bit j: the item at place 32 p + j is not for this user
    float *scores;           // [step]
    uint64_t *keys;          // [2 × step]
} sk_filter_work;

// Fills the panels `from` ..< `to` of an index.
void sk_filter_pack(const sk_filter_index *index, size_t from, size_t to);

#if defined(__x86_64__)
// Collects candidates for `user_count` users, `stride` floats from one to the next.
void sk_filter_block(
    const sk_filter_index *index, const sk_filter_work *work, const float *users, size_t stride, size_t user_count);

// The best items of user `slot` of the block, from its candidates: exact scores, higher first, ties by the lower item.
// Returns how many there are, at most `top`; -1 if the user was given up.
int32_t sk_filter_finish(
    const sk_filter_index *index, const sk_filter_work *work, size_t slot, const float *user, uint32_t *items,
    float *scores);
#endif

#ifdef __cplusplus
}
#endif

#endif
