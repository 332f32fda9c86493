#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "text_row.h"

#define TARGET __attribute__((target("avx2,bmi,popcnt")))
#define TAKE sk_text_take_avx2
#define SAME(p, byte) same(p, byte)
#define HIGH(p) joined(_mm256_loadu_si256((const __m256i *)(p)), _mm256_loadu_si256((const __m256i *)((p) + 32)))
#define MASKS(p, separator) find(p, separator)

// Bit i of each: what byte i is.
typedef struct {
    uint64_t newlines, separators, digits, zeros;
} masks;

SK_INLINE TARGET uint64_t joined(__m256i low, __m256i high) {
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

SK_INLINE TARGET uint64_t same(const uint8_t *p, uint8_t byte) {
    const __m256i wanted = _mm256_set1_epi8((char)byte);
    return joined(
        _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p), wanted),
        _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + 32)), wanted));
}

SK_INLINE TARGET masks find(const uint8_t *p, uint8_t separator) {
    const __m256i low = _mm256_loadu_si256((const __m256i *)p);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(p + 32));
    const __m256i newline = _mm256_set1_epi8('\n'), separates = _mm256_set1_epi8((char)separator);
    const __m256i zero = _mm256_set1_epi8('0'), nine = _mm256_set1_epi8(9);
    const __m256i low_digits = _mm256_sub_epi8(low, zero), high_digits = _mm256_sub_epi8(high, zero);
    return (masks){
        joined(_mm256_cmpeq_epi8(low, newline), _mm256_cmpeq_epi8(high, newline)),
        joined(_mm256_cmpeq_epi8(low, separates), _mm256_cmpeq_epi8(high, separates)),
        joined(
            _mm256_cmpeq_epi8(_mm256_min_epu8(low_digits, nine), low_digits),
            _mm256_cmpeq_epi8(_mm256_min_epu8(high_digits, nine), high_digits)),
        joined(_mm256_cmpeq_epi8(low, zero), _mm256_cmpeq_epi8(high, zero))};
}

#include "text_rows_vector.inc"

TARGET size_t sk_text_count_avx2(const uint8_t *from, const uint8_t *to, uint8_t byte) {
    size_t total = 0;
    for (; to - from >= 64; from += 64) total += (size_t)__builtin_popcountll(same(from, byte));
    return total + sk_text_count_plain(from, to, byte);
}
#endif
