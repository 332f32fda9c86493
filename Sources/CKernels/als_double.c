#include "CKernels.h"

#include <math.h>
#include <string.h>

// The normal equations in double precision: as plain as can be, and slow.
void sk_als_solve64(const sk_als_side *side, const sk_als_row *row, double *scratch) {
    const size_t w = side->order;
    double *a = scratch, *b = a + w * w, *y = b + w;
    for (size_t i = 0; i < w; i++) {
        for (size_t j = 0; j <= i; j++) a[i * w + j] = side->base64[i * w + j];
        a[i * w + i] += row->ridge;
        b[i] = row->linear ? row->linear[i] : 0;
        y[i] = 0;
    }
    for (size_t e = 0; e < row->count; e++) {
        const float *factors = side->factors + row->columns[e] * side->stride;
        const double value = row->values ? row->values[e] : 1, bias = side->biases ? side->biases[row->columns[e]] : 0;
        const double weight = side->weight0 + (double)side->weight1 * value;
        if (!(weight > 0)) continue;
        const double target = side->target0 + side->target1 * (value - side->mean - bias);
        for (size_t i = 0; i < side->width; i++) y[i] = factors[i];
        if (side->biases) y[side->width] = 1;
        for (size_t i = 0; i < w; i++) {
            const double scaled = weight * y[i];
            for (size_t j = 0; j <= i; j++) a[i * w + j] += scaled * y[j];
            b[i] += target * y[i];
        }
    }
    double largest = 0;
    for (size_t i = 0; i < w; i++) largest = fmax(largest, a[i * w + i]);
    const double floor = largest * 1.2e-16 * (double)w;
    // L row by row; the reciprocal of a pivot stands on the diagonal, 0 where its unknown stays at 0.
    for (size_t i = 0; i < w; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * w + j];
            for (size_t p = 0; p < j; p++) sum -= a[i * w + p] * a[j * w + p];
            if (j < i) a[i * w + j] = sum * a[j * w + j];
            else a[i * w + i] = sum > floor ? 1 / sqrt(sum) : 0;
        }
    }
    for (size_t i = 0; i < w; i++) {
        for (size_t p = 0; p < i; p++) b[i] -= a[i * w + p] * b[p];
        b[i] *= a[i * w + i];
    }
    for (size_t i = 0; row->noise && i < w; i++) b[i] += row->noise[i];
    for (size_t i = w; i-- > 0;) {
        b[i] *= a[i * w + i];
        for (size_t p = 0; p < i; p++) b[p] -= a[i * w + p] * b[i];
    }
    for (size_t i = 0; i < w; i++) row->x[i] = (float)b[i];
}
