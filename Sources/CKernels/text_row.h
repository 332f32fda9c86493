// One row, byte by byte: the whole of the plain version, and what the wider ones do with a row that they do not fit.
#ifndef STARLING_TEXT_ROW_H
#define STARLING_TEXT_ROW_H

#include "sk_text.h"

#define SK_INLINE static inline __attribute__((always_inline))

// Each reads up to the first byte that does not belong, which a line end never does, and says whether what stands
// there is of the usual kind.

SK_INLINE int sk_text_parse_id(const uint8_t **position, uint32_t *id) {
    const uint8_t *p = *position;
    uint64_t number = 0;
    for (uint8_t digit; (digit = *p - '0') < 10; p++) number = number * 10 + digit;
    const size_t digits = (size_t)(p - *position);
    const int is_canonical = digits - 1 < 10 && number < UINT32_MAX && (digits == 1 || **position != '0');
    *position = p;
    *id = (uint32_t)number;
    return is_canonical;
}

SK_INLINE int sk_text_parse_value(const uint8_t **position, float *value) {
    const uint8_t *p = *position;
    const int is_negative = *p == '-';
    p += is_negative;
    const uint8_t *start = p;
    uint32_t number = 0;
    float power = 1;
    for (uint8_t digit; (digit = *p - '0') < 10; p++) number = number * 10 + digit;
    size_t digits = (size_t)(p - start);
    if (*p == '.') {
        start = ++p;
        for (uint8_t digit; (digit = *p - '0') < 10; p++) {
            number = number * 10 + digit;
            power *= 10;
        }
        digits += (size_t)(p - start);
    }
    const float size = (float)number / power;
    *value = is_negative ? -size : size;
    *position = p;
    return digits - 1 < 7;
}

SK_INLINE int sk_text_parse_time(const uint8_t **position, int64_t *time) {
    const uint8_t *p = *position;
    const int is_negative = *p == '-';
    p += is_negative;
    const uint8_t *start = p;
    uint64_t number = 0;
    for (uint8_t digit; (digit = *p - '0') < 10; p++) number = number * 10 + digit;
    const size_t digits = (size_t)(p - start);
    *time = is_negative ? -(int64_t)number : (int64_t)number;
    *position = p;
    return digits - 1 < 18;
}

enum { SK_TEXT_LONGEST_ID = 63, SK_TEXT_MOST_PLACES = 1 << 26 };

SK_INLINE int sk_text_ends_field(const sk_text_form *form, const uint8_t *p) {
    if (*p == '\n' || *p == '\r') return 1;
    return *p == form->separator[0] && (form->separator_size == 1 || p[1] == form->separator[1]);
}

SK_INLINE int sk_text_parse_text(
    const sk_text_form *form, const uint8_t *base, const uint8_t **position, uint32_t *id) {
    const uint8_t *start = *position, *p = start;
    for (; !sk_text_ends_field(form, p); p++) {
        if (*p == '"' || *p == 0 || *p >= 0x80) return 0;
    }
    *position = p;
    const size_t length = (size_t)(p - start), place = (size_t)(start - base);
    *id = (uint32_t)(place << 6 | length);
    return length - 1 < SK_TEXT_LONGEST_ID && place < SK_TEXT_MOST_PLACES && *start != ' ' && p[-1] != ' ';
}

// Takes the row at rows->position and moves on. 0: it is not of the usual kind, and nothing has moved.
static inline int sk_text_take_row(const sk_text_form *form, sk_text_rows *rows) {
    const uint8_t *p = rows->position;
    const size_t row = rows->rows, columns = form->columns;
    const uint8_t first = form->separator[0];
    uint32_t user = 0, item = 0;
    for (size_t column = 0; column < columns; column++) {
        switch (form->roles[column]) {
        case SK_TEXT_USER:
            if (form->users_are_text ? !sk_text_parse_text(form, rows->base, &p, &user) : !sk_text_parse_id(&p, &user)) {
                return 0;
            }
            break;
        case SK_TEXT_ITEM:
            if (form->items_are_text ? !sk_text_parse_text(form, rows->base, &p, &item) : !sk_text_parse_id(&p, &item)) {
                return 0;
            }
            break;
        case SK_TEXT_VALUE:
            if (!sk_text_parse_value(&p, &rows->values[row])) return 0;
            break;
        case SK_TEXT_TIME:
            if (!sk_text_parse_time(&p, &rows->times[row])) return 0;
            break;
        default: {
            const uint8_t *start = p;
            // A carriage return belongs to the line end or is the caller's to judge.
            for (; !sk_text_ends_field(form, p); p++) {
                if (*p == '"' || *p == 0) return 0;
            }
            // Where blanks separate, a run of them is one separator.
            if (p == start && first == ' ') return 0;
        }
        }
        if (column + 1 < columns) {
            if (*p++ != first) return 0;
            if (form->separator_size == 2 && *p++ != form->separator[1]) return 0;
        }
    }
    if (*p == '\r') p++;
    if (*p != '\n' || (size_t)(p - rows->position) > form->longest) return 0;
    rows->users[row] = user;
    rows->items[row] = item;
    if (!form->users_are_text && user > rows->greatest_user) rows->greatest_user = user;
    if (!form->items_are_text && item > rows->greatest_item) rows->greatest_item = item;
    rows->position = p + 1;
    rows->rows++;
    return 1;
}

#endif
