#ifndef STARLING_EXPONENTIAL_H
#define STARLING_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

// eˣ for x ≤ 0, within 2e-7 of it, as in Cephes' expf; 0 from −65 on down, which products may shrink without becoming subnormal.
static inline __attribute__((always_inline)) float exponential(float x) {
    const float bounded = x < -87.0f ? -87.0f : x;
    // The nearest whole number of log 2s: what is added has no binary places left.
    const float n = (bounded * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float f = bounded - n * 0.693359375f + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * f + 1.3981999507e-3f;
    y = y * f + 8.3334519073e-3f;
    y = y * f + 4.1665795894e-2f;
    y = y * f + 1.6666665459e-1f;
    y = y * f + 5.0000001201e-1f;
    y = y * f * f + f + 1.0f;
    const uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return x < -65.0f ? 0.0f : y * power;
}

#endif
