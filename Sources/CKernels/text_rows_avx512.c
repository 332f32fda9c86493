#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "text_row.h"

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,bmi,popcnt")))
#define TAKE sk_text_take_avx512
#define SAME(p, byte) _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), _mm512_set1_epi8((char)(byte)))
#define HIGH(p) _mm512_movepi8_mask(_mm512_loadu_si512(p))
#define MASKS(p, separator) find(p, separator)

// Bit i of each: what byte i is.
typedef struct {
    uint64_t newlines, separators, digits, zeros;
} masks;

SK_INLINE TARGET masks find(const uint8_t *p, uint8_t separator) {
    const __m512i bytes = _mm512_loadu_si512(p), zero = _mm512_set1_epi8('0');
    return (masks){
        _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')),
        _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)separator)),
        _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, zero), _mm512_set1_epi8(9)),
        _mm512_cmpeq_epi8_mask(bytes, zero)};
}

#include "text_rows_vector.inc"
#endif
