/* Join: candidates of a pass, by the inverted index, row by row. */
#ifndef JOIN_ROWS_H
#define JOIN_ROWS_H

#include "join_verify.h"

/* Rows from `from` to `end`, not included, that have candidates, as inner codevector | first
 * candidate << 8; the next free place. */
static NOINLINE uint32_t *hits_of_one(const struct head *h, uint32_t from, uint32_t end,
                                      uint32_t *hit)
{
    const uint8_t *column = h->column, *head = h->head;
    uint32_t rest = h->rest;
    for (; from != end; from++) {
        uint32_t first = head[(uint8_t)(rest - column[from])];
        if (first)
            *hit++ = from | first << 8;
    }
    return hit;
}

/* The same of two look-up blocks; the second one's first candidate is << 16. */
static NOINLINE uint32_t *hits_of_two(const struct head *h, uint32_t from, uint32_t end,
                                      uint32_t *hit)
{
    const uint8_t *column = h[0].column, *head = h[0].head;
    const uint8_t *column1 = h[1].column, *head1 = h[1].head;
    uint32_t rest = h[0].rest, rest1 = h[1].rest;
    for (; from != end; from++) {
        uint32_t first = head[(uint8_t)(rest - column[from])];
        uint32_t second = head1[(uint8_t)(rest1 - column1[from])];
        if (first | second)
            *hit++ = from | first << 8 | second << 16;
    }
    return hit;
}

/* Candidates of the rows from *hit on, until there is a batch or `end` is reached. */
static NOINLINE uint16_t *expand_one(struct state *t, const uint32_t **hit, const uint32_t *end)
{
    const uint8_t *next = t->head[0].next;
    const uint32_t *from = *hit;
    uint16_t *to = t->candidate, *full = to + BATCH;
    while (from != end && to < full) {
        uint32_t row = *from++;
        *to++ = (uint16_t)row;
        for (uint32_t last = next[row >> 8]; last; last = next[last])
            *to++ = (uint16_t)((row & 255) | last << 8);
    }
    *hit = from;
    return to;
}

static NOINLINE uint16_t *expand_two(struct state *t, const uint32_t **hit, const uint32_t *end)
{
    const uint32_t *from = *hit;
    uint16_t *to = t->candidate, *full = to + BATCH;
    while (from != end && to < full) {
        uint32_t row = *from++, m = row & 255, last = row >> 8 & 255;
        for (; last; last = t->head[0].next[last])
            *to++ = (uint16_t)(m | last << 8);
        last = row >> 16;
        if (last) {
            uint32_t byte = (uint8_t)(t->head[0].rest - t->head[0].column[m]);
            do {
                int found = t->head[0].last[BLOCKS * last] == byte;
                *to++ = (uint16_t)(found ? m : m | last << 8);
                last = t->head[1].next[last];
            } while (last);
        }
    }
    *hit = from;
    return to;
}

/* Rows from *from to `end`, not included, of three look-up blocks, until there is a batch. */
static NOINLINE uint16_t *collect_three(struct state *t, uint32_t *from, uint32_t end)
{
    uint32_t m = *from;
    uint16_t *to = t->candidate, *full = to + BATCH;
    for (; m != end && to < full; m++) {
        for (const struct head *own = t->head; own != t->head + 3; own++) {
            uint32_t last = own->head[(uint8_t)(own->rest - own->column[m])];
            for (; last; last = own->next[last]) {
                uint32_t number = last;
                for (const struct head *e = t->head; e != own; e++)
                    if (e->last[BLOCKS * last] == (uint8_t)(e->rest - e->column[m]))
                        number = 0;
                *to++ = (uint16_t)(m | number << 8);
            }
        }
    }
    *from = m;
    return to;
}

/* The last factor is known. */
static uint16_t *collect_known(struct state *t, uint32_t *from, uint32_t end)
{
    uint32_t m = *from;
    uint16_t *to = t->candidate;
    for (; m != end && to < t->candidate + BATCH; m++)
        *to++ = (uint16_t)(m | (uint32_t)(t->known + 1) << 8);
    *from = m;
    return to;
}

/* Rows of inner codevectors from `from` to `end`, not included. */
static uint32_t rows(struct search *s, struct state *t, uint32_t from, uint32_t end, uint32_t heads)
{
    uint32_t stop = 0;
    if (heads == 1) {
        const uint32_t *hit = t->hit, *last = hits_of_one(t->head, from, end, t->hit);
        while (hit != last && !stop)
            stop = verify_batch(s, t, expand_one(t, &hit, last));
    } else if (heads == 2) {
        const uint32_t *hit = t->hit, *last = hits_of_two(t->head, from, end, t->hit);
        while (hit != last && !stop)
            stop = verify_batch(s, t, expand_two(t, &hit, last));
    } else {
        while (from != end && !stop)
            stop = verify_batch(s, t, heads ? collect_three(t, &from, end)
                                            : collect_known(t, &from, end));
    }
    return stop;
}

#endif
