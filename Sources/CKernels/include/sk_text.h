// The reader's inner loops: rows of delimited text into columns, and how many lines a text has.
//
// They take rows of the usual kind only: integers or short ASCII texts as ids, short plain decimals, no quotes, no
// blanks around a field.
// At the first line that is anything else they stop, and the caller judges that line. All versions stop at the same.
#ifndef STARLING_SK_TEXT_H
#define STARLING_SK_TEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What stands in a column.
enum { SK_TEXT_SKIP = 0, SK_TEXT_USER = 1, SK_TEXT_ITEM = 2, SK_TEXT_VALUE = 3, SK_TEXT_TIME = 4 };

typedef struct {
    uint8_t separator[2];   // the first is no digit, point or minus sign
    size_t separator_size;  // 1 or 2
    size_t columns;         // at least 2
    const uint8_t *roles;   // [columns] one user and one item, at most one value and one time
    int users_are_text;     // ids of users, of items are taken as texts, not as integers
    int items_are_text;
    size_t longest;         // bytes of the longest row that is taken
} sk_text_form;

// A value by its text, at most 7 bytes, and their number in the eighth; 0: none.
typedef struct {
    uint64_t text;
    float value;
} sk_text_value;

enum { SK_TEXT_KNOWN_VALUES = 256 };

typedef struct {
    const uint8_t *position;   // the beginning of a line; moved on to the first line that was not taken
    const uint8_t *end;        // after a line end; `position == end`: all rows were taken
    const uint8_t *readable;   // bytes from here ...
    const uint8_t *unreadable; // ... to here may be loaded
    const uint8_t *base;       // from where places of texts are counted
    uint32_t *users;           // [rows] the ids as integers, or where they stand: place << 6 | length
    uint32_t *items;           // [rows]
    float *values;             // [rows], or NULL if no column holds values
    int64_t *times;            // [rows], or NULL if no column holds times
    size_t rows;               // rows taken, added to what stands here
    uint32_t greatest_user;    // raised to the greatest integer taken
    uint32_t greatest_item;
    sk_text_value *known;      // [SK_TEXT_KNOWN_VALUES] values met so far; all 0 at the beginning
} sk_text_rows;

// Takes rows: as ids canonical integers in 0...2^32 - 2, or texts of 1 to 63 ASCII bytes in the first 64 MiB after
// `base` without quotes, NULs, carriage returns or outer blanks; `-?digits[.digits]` of at most 7 digits as values (so that number
// and power of ten are exact and one division rounds correctly); `-?digits` of at most 18 as times. A carriage return
// before the line end belongs to it.
void sk_text_take_plain(const sk_text_form *form, sk_text_rows *rows);
#if defined(__x86_64__)
void sk_text_take_avx2(const sk_text_form *form, sk_text_rows *rows);
void sk_text_take_avx512(const sk_text_form *form, sk_text_rows *rows);
#endif

// The version for an instruction set (sk_isa).
void sk_text_take(const sk_text_form *form, sk_text_rows *rows, int isa);

// How often a byte stands in a range.
size_t sk_text_count_plain(const uint8_t *from, const uint8_t *to, uint8_t byte);
#if defined(__x86_64__)
size_t sk_text_count_avx2(const uint8_t *from, const uint8_t *to, uint8_t byte);
#endif
size_t sk_text_count(const uint8_t *from, const uint8_t *to, uint8_t byte, int isa);

#ifdef __cplusplus
}
#endif

#endif
