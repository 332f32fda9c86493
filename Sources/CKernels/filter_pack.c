#include <math.h>
#include <string.h>

#include "sk_filter.h"

// Roundings upward of what was computed in double precision.
#define UP 1.000001

// 1.5 × 2²³: a float from here on has the integers for its steps.
#define MAGIC 12582912.0f

static float greater(float a, double b) { return b > a ? (float)(b * UP) : a; }

static void pack_item(const sk_filter_index *index, size_t place, sk_filter_bound *bound) {
    const float *item = index->vectors + (size_t)index->rows[place] * index->stride;
    const double *centre = index->centre;
    double largest = 0, squares = 0, errors = 0;
    for (size_t c = 0; c < index->column_count; c++) {
        const int32_t d = index->columns[c];
        const double value = item[d] - centre[d];
        squares += value * value;
        largest = fabs(value) > largest ? fabs(value) : largest;
    }
    float scale = (float)(largest / index->range);
    if (scale < 1e-25f) scale = 0;
    const size_t panel = place / SK_FILTER_PANEL, lane = place % SK_FILTER_PANEL;
    uint8_t *bytes = index->panels + (panel * index->groups * SK_FILTER_PANEL + lane) * SK_FILTER_GROUP;
    for (size_t c = 0; c < index->column_count; c++) {
        const int32_t d = index->columns[c];
        const double value = item[d] - centre[d];
        double whole = scale > 0 ? rint(value / scale) : 0;
        whole = fmin(fmax(whole, -index->range), index->range);
        const double error = value - whole * scale;
        errors += error * error;
        bytes[c / SK_FILTER_GROUP * SK_FILTER_PANEL * SK_FILTER_GROUP + c % SK_FILTER_GROUP] =
            (uint8_t)(128 + (int)whole);
    }
    const float side = (float)(item[index->side] - centre[index->side]);
    index->scales[place] = scale;
    index->lifts[place] = -MAGIC * scale;
    index->sides[place] = side;
    bound->length = greater(bound->length, sqrt(squares));
    // A tile's sums lose at most 2 c by roundings of floats, and |ũ| is at least `range`.
    bound->error = greater(bound->error, sqrt(errors) + 4 * (double)scale / index->range);
    bound->side_low = fminf(bound->side_low, side);
    bound->side_high = fmaxf(bound->side_high, side);
}

void sk_filter_pack(const sk_filter_index *index, size_t from, size_t to) {
    const size_t bytes = index->groups * SK_FILTER_PANEL * SK_FILTER_GROUP;
    memset(index->panels + from * bytes, 128, (to - from) * bytes);
    for (size_t panel = from; panel < to; panel++) {
        sk_filter_bound bound = {0, 0, INFINITY, -INFINITY};
        for (size_t place = panel * SK_FILTER_PANEL; place < (panel + 1) * SK_FILTER_PANEL; place++) {
            if (place < index->item_count) {
                pack_item(index, place, &bound);
            } else {
                index->scales[place] = index->sides[place] = 0;
                index->lifts[place] = NAN;
            }
        }
        index->bounds[panel] = bound;
    }
}
