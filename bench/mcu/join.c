/* Join (golden/join.py): enumerates all factors but the last, looks the last one up.
 *
 * Small loops, so that what they need stays in registers: the first looks at a byte a row and
 * look-up block and keeps rows that have candidates, the last verifies those.
 */
#include "join_pairs.h"
#include "join_rows.h"

enum { DRAWS = 8 };

/* Make the column of the inner factor and the index of the last; after codebooks have changed. */
void join_load(struct search *s)
{
    struct codebooks *k = &s->books;
    uint32_t *word = (uint32_t *)(void *)k->head, *end = word + sizeof k->head / 4;
    for (; word != end; word += 4)
        word[0] = word[1] = word[2] = word[3] = 0;
    for (unsigned b = 0; b < BLOCKS; b++) {
        const uint8_t *inner = (const uint8_t *)k->code[INNER] + b;
        const uint8_t *last = (const uint8_t *)k->code[LAST] + b;
        for (unsigned m = 0; m < k->size[INNER]; m++)
            k->column[b][m] = inner[BLOCKS * m];
        for (unsigned m = k->size[LAST]; m; m--) {
            unsigned x = last[BLOCKS * (m - 1)];
            k->next[b][m] = k->head[b][x];
            k->head[b][x] = (uint8_t)m;
        }
    }
}

/* The most confident blocks, at most `heads`; returns how many there are. */
static uint32_t choose(const struct search *s, uint32_t heads, struct state *t)
{
    int32_t confidence[BLOCKS];
    uint32_t peak[BLOCKS], count = 0;
    for (unsigned b = 0; b < BLOCKS; b++) {
        int32_t largest = 0, second = 0;
        uint32_t at = 0;
        for (unsigned e = 0; e < s->query.count[b]; e++) {
            int32_t w = s->query.weight[b][e];
            uint32_t x = s->query.index[b][e];
            if (w > largest) {
                second = largest;
                largest = w;
                at = x;
            } else {
                if (w == largest && x < at)
                    at = x;
                if (w > second)
                    second = w;
            }
        }
        peak[b] = at * SCALE;
        t->key[b / 4] |= peak[b] << 8 * (b % 4);
        confidence[b] = largest ? largest - second : -1;
    }
    while (count < heads) {
        unsigned best = 0;
        for (unsigned b = 1; b < BLOCKS; b++)
            if (confidence[b] > confidence[best])
                best = b;
        if (confidence[best] < 0)
            break;
        confidence[best] = -1;
        struct head *h = &t->head[count++];
        h->block = best;
        h->peak = peak[best];
        h->column = s->books.column[best];
        h->head = s->books.head[best];
        h->next = s->books.next[best];
        h->last = (const uint8_t *)(s->books.code[LAST] - 1) + best;
    }
    return count;
}

/* Passes of the inner factor over all tuples of the outer ones. */
static uint32_t passes(struct search *s, struct state *t, const uint32_t *first, uint32_t heads)
{
    const struct codebooks *k = &s->books;
    uint32_t at[FACTORS];
    uint32_t start = first[INNER], end = k->size[INNER];
    int32_t known = s->parameters.known[INNER];
    if (known >= 0)
        end = start + 1;
    for (unsigned f = 0; f < INNER; f++)
        at[f] = first[f];
    for (;;) {
        uint32_t stop;
        t->outer = 0;
        for (unsigned w = 0; w < WORDS; w++)
            t->sum[w] = 0;
        for (unsigned f = 0; f < INNER; f++) {
            t->outer |= at[f] << 8 * f;
            for (unsigned w = 0; w < WORDS; w++)
                t->sum[w] = (t->sum[w] + k->code[f][at[f]][w]) & MASK;
        }
        for (unsigned h = 0; h < heads; h++) {
            struct head *e = &t->head[h];
            e->rest = e->peak - (t->sum[e->block / 4] >> 8 * (e->block % 4) & 255);
        }
        if (t->pairs) {
            stop = pair_pass(s, t, start, heads);
        } else {
            stop = rows(s, t, start, end, heads);
            if (known < 0 && !stop)
                stop = rows(s, t, 0, start, heads);
        }
        if (stop)
            return stop;
        int f = INNER - 1;
        for (; f >= 0; f--) {
            if (s->parameters.known[f] >= 0)
                continue;
            if (++at[f] == k->size[f])
                at[f] = 0;
            if (at[f] != first[f])
                break;
        }
        if (f < 0)
            return STOP_COMPLETE;
    }
}

/* Codevector below size, of the generator's oldest bits; too large ones are drawn again. */
static uint32_t draw(uint32_t *state, uint32_t size)
{
    uint32_t mask = walk_mask(size), value;
    for (unsigned n = 1;; n++) {
        value = *state >> (32 - BITS) & (n < DRAWS ? mask : mask >> 1);
        *state = leap(*state, BITS);
        if (value < size)
            return value;
    }
}

static void run(struct search *s, const struct pairs *pairs)
{
    const struct parameters *p = &s->parameters;
    struct state t;
    uint32_t first[FACTORS], lfsr = 0, seed = p->seed ? p->seed : 1, sum, stop, heads, most;
    uint32_t smax = query_load(s, &sum);
#ifdef TRACE
    s->result.crc = 0xFFFFFFFFu;
#endif
    t.accept = accept_level(p->level, smax);
    t.verifier.best = t.verifier.runner_up = -1;
    t.verifier.tuple = 0;
    t.skipped = 0;
    t.weight = s->weight[0];
    t.inner = (const uint32_t (*)[WORDS])s->books.code[INNER];
    t.last = (const uint32_t (*)[WORDS])s->books.code[LAST] - 1;
    for (unsigned w = 0; w < WORDS; w++)
        t.key[w] = 0;
    most = t.left = p->max_tuples ? p->max_tuples : 1;
    t.known = p->known[LAST];
    heads = choose(s, p->heads, &t);
    if (t.known >= 0)
        heads = 0;
    t.factor = s->query.weight[0][0];
    t.equal = 1;
    for (unsigned b = 0; b < BLOCKS; b++)
        if (s->query.count[b] != 1 || s->query.weight[b][0] != t.factor)
            t.equal = 0;
    if (!t.equal)
        t.factor = 1;
    for (int bit = 0; bit < 32; bit++) {
        lfsr = lfsr << 1 | (seed & 1);
        seed >>= 1;
    }
    for (unsigned f = 0; f < LAST; f++) {
        if (p->known[f] >= 0) {
            first[f] = (uint32_t)p->known[f];
        } else {
            first[f] = draw(&lfsr, s->books.size[f]);
            trace_word(&s->result, first[f]);
        }
    }
    t.pairs = heads == 1 || heads == 2 ? pairs : NULL;
    if (p->known[INNER] >= 0)
        t.pairs = NULL;
    stop = passes(s, &t, first, heads);
    query_unload(s);
    s->result.iterations = most - t.left - t.skipped;
    for (unsigned f = 0; f < FACTORS; f++)
        s->result.similarity[f] = 0;
    if (t.verifier.best < 0) /* no row had a candidate */
        t.verifier.best = 0;
    t.verifier.best *= (int32_t)t.factor;
    t.verifier.runner_up *= (int32_t)t.factor;
    store_result(&s->result, &t.verifier, stop);
}

void join(struct search *s)
{
    run(s, NULL);
}

/* Sort all pairs, in the order of their codevectors, by what they bind to. */
void pairs_load(struct pairs *p)
{
    const struct codebooks *k = &p->search.books;
    uint32_t inner = k->size[INNER], last = k->size[LAST];
    join_load(&p->search);
    for (unsigned b = 0; b < BLOCKS; b++) {
        uint16_t *start = p->start[b], *pair = p->pair[b];
        const uint8_t *byte = (const uint8_t *)k->code[LAST] + b;
        uint32_t total = 0;
        for (unsigned x = 0; x <= LENGTH; x++)
            start[x] = 0;
        for (uint32_t i = 0; i < inner; i++)
            for (uint32_t m = 0; m < last; m++)
                start[(uint8_t)(k->column[b][i] + byte[BLOCKS * m]) / SCALE]++;
        for (unsigned x = 0; x < LENGTH; x++) {
            uint32_t count = start[x];
            start[x] = (uint16_t)total;
            total += count;
        }
        for (uint32_t i = 0; i < inner; i++)
            for (uint32_t m = 0; m < last; m++)
                pair[start[(uint8_t)(k->column[b][i] + byte[BLOCKS * m]) / SCALE]++]
                    = (uint16_t)(i | (m + 1) << 8);
        /* Each place has moved on to where the next one begins. */
        for (unsigned x = LENGTH; x; x--)
            start[x] = start[x - 1];
        start[0] = 0;
    }
}

void pairs_join(struct pairs *p)
{
    run(&p->search, p);
}
