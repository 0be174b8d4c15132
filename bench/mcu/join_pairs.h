/* Join: candidates of a pass, by the table of pairs. */
#ifndef JOIN_PAIRS_H
#define JOIN_PAIRS_H

#include "join_verify.h"

/* Pairs of a look-up block that bind to what is left of its peak. */
struct range {
    const uint16_t *from, *end;
};

static inline struct range pairs_of(const struct state *t, const struct head *h)
{
    const uint16_t *start = t->pairs->start[h->block] + (uint8_t)h->rest / SCALE;
    const uint16_t *pair = t->pairs->pair[h->block];
    return (struct range){pair + start[0], pair + start[1]};
}

/* The first pair whose inner codevector is `from` or a later one. */
static inline const uint16_t *pairs_from(struct range range, uint32_t from)
{
    while (range.from != range.end && (*range.from & 255) < from)
        range.from++;
    return range.from;
}

/* Pairs of two look-up blocks, row by row, until there is a batch; those found before are marked. */
static NOINLINE uint16_t *merge(struct state *t, struct range *first, struct range *second)
{
    const uint16_t *a = first->from, *b = second->from, *end = first->end, *last = second->end;
    uint16_t *to = t->candidate, *full = to + BATCH;
    while (to < full) {
        uint32_t row = 256, pair;
        if (a != end)
            row = *a & 255;
        if (b != last && (*b & 255) < row) {
            pair = *b++;
            uint32_t m = pair & 255, byte = (uint8_t)(t->head[0].rest - t->head[0].column[m]);
            *to++ = (uint16_t)(t->head[0].last[BLOCKS * (pair >> 8)] == byte ? m : pair);
        } else if (row < 256) {
            *to++ = *a++;
        } else {
            break;
        }
    }
    first->from = a;
    second->from = b;
    return to;
}

/* A pass of the inner factor from codevector `from` on, of one or two look-up blocks. */
static uint32_t pair_pass(struct search *s, struct state *t, uint32_t from, uint32_t heads)
{
    uint32_t stop = 0;
    struct range all = pairs_of(t, &t->head[0]);
    const uint16_t *middle = pairs_from(all, from);
    if (heads == 1) {
        if (middle != all.end)
            stop = verify_some(s, t, middle, all.end);
        if (middle != all.from && !stop)
            stop = verify_some(s, t, all.from, middle);
        return stop;
    }
    struct range other = pairs_of(t, &t->head[1]);
    const uint16_t *middle1 = pairs_from(other, from);
    struct range half[2][2] = {{{middle, all.end}, {middle1, other.end}},
                               {{all.from, middle}, {other.from, middle1}}};
    for (unsigned n = 0; n < 2; n++) {
        struct range *first = &half[n][0], *second = &half[n][1];
        while ((first->from != first->end || second->from != second->end) && !stop)
            stop = verify_batch(s, t, merge(t, first, second));
    }
    return stop;
}

#endif
