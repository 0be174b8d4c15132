/* Clean queries, three factors: a hash table of all products, or join without scores.
 *
 * Both find a tuple whose product is the query, and compare whole codevectors, a word at a time.
 * result.stop is STOP_COMPLETE where there is no such tuple.
 */
#include "clean.h"

#if FACTORS == 3 && BLOCKS == 4

/* The query as a codevector. */
static uint32_t key_of(const struct query *query)
{
    uint32_t key = 0;
    for (unsigned b = 0; b < BLOCKS; b++)
        key |= (uint32_t)query->index[b][0] * SCALE << 8 * b;
    return key;
}

/* Packed a - b: the lowest bits take the borrows of the bytes below. */
static inline uint32_t unbind(uint32_t a, uint32_t b)
{
    return ((a | ~MASK) - b) & MASK;
}

/* Join without scores: look the last factor up in one block, compare. Needs join_load. */
void meet(struct search *s)
{
    const struct codebooks *k = &s->books;
    uint32_t key = key_of(&s->query), size0 = k->size[0], size1 = k->size[1];
    const uint8_t *head = k->head[0], *column = k->column[0], *next = k->next[0];
    for (uint32_t i = 0; i < size0; i++) {
        uint32_t rest = unbind(key, k->code[0][i][0]);
        for (uint32_t j = 0; j < size1; j++) {
            uint32_t m = head[(uint8_t)(rest - column[j])];
            if (!m)
                continue;
            uint32_t wanted = unbind(rest, k->code[1][j][0]);
            do {
                if (k->code[2][m - 1][0] == wanted) {
                    s->result.index[0] = i;
                    s->result.index[1] = j;
                    s->result.index[2] = m - 1;
                    s->result.stop = STOP_ACCEPTED;
                    return;
                }
                m = next[m];
            } while (m);
        }
    }
    s->result.stop = STOP_COMPLETE;
}

/* The same with pairs_join's table of pairs. */
void meet_pairs(struct pairs *p)
{
    struct search *s = &p->search;
    const struct codebooks *k = &s->books;
    uint32_t key = key_of(&s->query), size = k->size[0];
    const uint32_t (*inner)[1] = (const uint32_t (*)[1])k->code[1];
    const uint32_t (*last)[1] = (const uint32_t (*)[1])k->code[2] - 1;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t rest = unbind(key, k->code[0][i][0]);
        const uint16_t *start = p->start[0] + (rest & 255) / SCALE;
        const uint16_t *pair = p->pair[0] + start[0], *end = p->pair[0] + start[1];
        for (; pair != end; pair++) {
            uint32_t m = *pair & 255, n = *pair >> 8;
            if (((inner[m][0] + last[n][0]) & MASK) == rest) {
                s->result.index[0] = i;
                s->result.index[1] = m;
                s->result.index[2] = n - 1;
                s->result.stop = STOP_ACCEPTED;
                return;
            }
        }
    }
    s->result.stop = STOP_COMPLETE;
}

#ifdef TABLE_BITS

enum { FIELD = 5 }; /* bits of a codevector's number: three make a slot */

#if CODEVECTORS > 32
#error "CODEVECTORS is outside 1..32 for a table of 16-bit slots"
#endif

static inline uint32_t slot_of(uint32_t key)
{
    return key * 0x9E3779B1u >> (32 - TABLE_BITS);
}

void table_load(struct table *t)
{
    const struct codebooks *k = &t->search.books;
    for (uint32_t at = 0; at < 1u << TABLE_BITS; at++)
        t->slot[at] = 0;
    for (uint32_t i = 0; i < k->size[0]; i++) {
        for (uint32_t j = 0; j < k->size[1]; j++) {
            uint32_t sum = (k->code[0][i][0] + k->code[1][j][0]) & MASK;
            uint32_t number = (i << FIELD | j) << FIELD;
            for (uint32_t m = 0; m < k->size[2]; m++) {
                uint32_t at = slot_of((sum + k->code[2][m][0]) & MASK);
                while (t->slot[at])
                    at = (at + 1) & ((1u << TABLE_BITS) - 1);
                t->slot[at] = (uint16_t)((number | m) + 1);
            }
        }
    }
}

void table(struct table *t)
{
    struct search *s = &t->search;
    const struct codebooks *k = &s->books;
    uint32_t key = key_of(&s->query), at = slot_of(key), number;
    while ((number = t->slot[at]) != 0) {
        uint32_t i = --number >> 2 * FIELD, j = number >> FIELD & 31, m = number & 31;
        uint32_t sum = (k->code[0][i][0] + k->code[1][j][0]) & MASK;
        if (((sum + k->code[2][m][0]) & MASK) == key) {
            s->result.index[0] = i;
            s->result.index[1] = j;
            s->result.index[2] = m;
            s->result.stop = STOP_ACCEPTED;
            return;
        }
        at = (at + 1) & ((1u << TABLE_BITS) - 1);
    }
    s->result.stop = STOP_COMPLETE;
}
#endif
#endif
