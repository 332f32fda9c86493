#include "CKernels.h"
#include "text_row.h"

void sk_text_take_plain(const sk_text_form *form, sk_text_rows *rows) {
    while (rows->position < rows->end && sk_text_take_row(form, rows)) continue;
}

void sk_text_take(const sk_text_form *form, sk_text_rows *rows, int isa) {
#if defined(__x86_64__)
    if (isa == SK_ISA_AVX512) {
        sk_text_take_avx512(form, rows);
        return;
    }
    if (isa == SK_ISA_AVX2) {
        sk_text_take_avx2(form, rows);
        return;
    }
#endif
    (void)isa;
    sk_text_take_plain(form, rows);
}

size_t sk_text_count_plain(const uint8_t *from, const uint8_t *to, uint8_t byte) {
    size_t total = 0;
    while (from < to) {
        // A sum of at most 255 ones fits a byte, which lets the compiler add them side by side.
        const uint8_t *stop = to - from < 255 ? to : from + 255;
        uint8_t count = 0;
        for (; from < stop; from++) count += *from == byte;
        total += count;
    }
    return total;
}

size_t sk_text_count(const uint8_t *from, const uint8_t *to, uint8_t byte, int isa) {
#if defined(__x86_64__)
    if (isa != SK_ISA_BASELINE) return sk_text_count_avx2(from, to, byte);
#endif
    (void)isa;
    return sk_text_count_plain(from, to, byte);
}
