// The loss of a batch whose items are each other's negatives, and its gradients: softmax over [users × items] scores that
// are made, used and forgotten a few users at a time, between three products of matrices.
#ifndef STARLING_SK_SOFTMAX_H
#define STARLING_SK_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Items count in whole panels of so many.
enum { SK_SOFTMAX_PANEL = 64 };

// The items of a batch, each once. Item j stands in it 1 / shares[j] times.
typedef struct {
    size_t width;             // floats of a row here: a multiple of 16, zeros behind the vector's
    size_t count;             // a multiple of SK_SOFTMAX_PANEL, zeros behind the last item
    const float *items;       // [count × width]
    const float *panels;      // the same, [count / PANEL × width × PANEL]
    const float *corrections; // [count]: what is taken from item j's logit; a large number behind the last
    const float *shares;      // [count]
    float scale;              // of scores
    float weight;             // of an interaction in the gradients
} sk_softmax;

// Packs `count` vectors of `length` floats, one behind the other, as `items` and `panels` of sk_softmax.
void sk_softmax_pack(
    const float *vectors, size_t count, size_t length, size_t width, float *items, float *panels);

// Floats of scratch for users of at most `longest` interactions.
size_t sk_softmax_scratch(size_t width, size_t count, size_t longest);

// User u has vector users[u], `length` floats, and interactions starts[u]..<starts[u + 1] with items `own`. Of an
// interaction with item o, item j has the logit z = scale·⟨u, j⟩ − corrections[j], and o itself z + log shares[o]: further
// occurrences do not count. Its loss is −log softmax(z)[o].
//
// Writes the loss of every interaction, and the gradients of weight·Σ losses by users, `length` floats each, and by items,
// [count × width], of which there is room for 16 more. All but users, user_gradients, starts, own and losses lie at multiples of 64 bytes. The sums of a number
// of users are those of blocks of it: cut elsewhere, they differ in the last bits.
void sk_softmax_users(
    const sk_softmax *softmax, const float *users, size_t length, size_t count, const uint32_t *starts,
    const uint32_t *own, float *scratch, float *user_gradients, float *item_gradients, float *losses, int isa);

#ifdef __cplusplus
}
#endif

#endif
