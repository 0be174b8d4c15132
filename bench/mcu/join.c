/* Join (golden/join.py): enumerates all factors but the last, looks the last one up.
 *
 * Rows need no queue here, and no tuple of a row without candidates is looked at beyond one byte:
 * the inner loop runs over a column of bytes of one block.
 */
#include "search.h"

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

/* A block to look up in, and how it is reached. */
struct head {
    const uint8_t *column, *head, *next;
    uint32_t block;
    uint32_t peak; /* byte */
    uint32_t rest; /* of the peak, when the outer factors are unbound */
};

/* What rows need. */
struct state {
    struct verifier verifier;
    int32_t accept;
    uint32_t left;    /* candidates until the limit */
    uint32_t skipped; /* found twice */
    uint32_t sum[WORDS]; /* outer codevectors, bound */
    uint32_t outer;      /* packed tuple of them */
    int32_t known;       /* last factor, or -1 */
    struct head head[3];
};

/* The most confident blocks, at most `heads`; returns how many there are. */
static uint32_t choose(const struct search *s, uint32_t heads, struct head *chosen)
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
        struct head *h = &chosen[count++];
        h->block = best;
        h->peak = peak[best];
        h->column = s->books.column[best];
        h->head = s->books.head[best];
        h->next = s->books.next[best];
    }
    return count;
}

/* Score the tuple of a row's sum and a codevector of the last factor; why the run ends, or 0. */
static inline uint32_t candidate(struct search *s, struct state *t, const uint32_t *sum,
                                 uint32_t inner, uint32_t last)
{
    uint32_t bound[WORDS];
    for (unsigned w = 0; w < WORDS; w++)
        bound[w] = sum[w] + s->books.code[LAST][last][w];
    int32_t value = score(s, bound);
    trace_word(&s->result, (uint32_t)value);
    if (value > t->verifier.runner_up) {
        uint32_t tuple = t->outer | inner << 8 * INNER | last << 8 * LAST;
        if (enter(&t->verifier, tuple, value) && value >= t->accept) {
            t->left--;
            return STOP_ACCEPTED;
        }
    }
    return --t->left ? 0 : STOP_LIMIT;
}

/* A row with candidates in look-up block h. Kept out of line: it is the rare case. */
static __attribute__((noinline)) uint32_t row(struct search *s, struct state *t, uint32_t h,
                                              uint32_t inner, uint32_t last)
{
    uint32_t sum[WORDS];
    for (unsigned w = 0; w < WORDS; w++)
        sum[w] = (t->sum[w] + s->books.code[INNER][inner][w]) & MASK;
    const uint8_t *next = t->head[h].next;
    do {
        uint32_t stop;
        for (unsigned g = 0; g < h; g++) {
            const struct head *e = &t->head[g];
            const uint8_t *own = (const uint8_t *)s->books.code[LAST][last - 1];
            if (own[e->block] == (uint8_t)(e->rest - e->column[inner])) {
                t->skipped++;
                stop = --t->left ? 0 : STOP_LIMIT;
                goto skipped;
            }
        }
        stop = candidate(s, t, sum, inner, last - 1);
    skipped:
        if (stop)
            return stop;
        last = next[last];
    } while (last);
    return 0;
}

/* Rows of the inner codevectors from m on, below `end`, with a constant number of heads; 0 if the
 * last factor is known. */
static inline __attribute__((always_inline)) uint32_t
rows(struct search *s, struct state *t, uint32_t m, uint32_t end, const uint32_t heads)
{
    uint32_t stop;
    if (heads == 0) {
        for (; m < end; m++) {
            uint32_t sum[WORDS];
            for (unsigned w = 0; w < WORDS; w++)
                sum[w] = (t->sum[w] + s->books.code[INNER][m][w]) & MASK;
            if ((stop = candidate(s, t, sum, m, (uint32_t)t->known)))
                return stop;
        }
        return 0;
    }
    const uint8_t *head0 = t->head[0].head, *column0 = t->head[0].column;
    const uint8_t *head1 = t->head[1].head, *column1 = t->head[1].column;
    const uint8_t *head2 = t->head[2].head, *column2 = t->head[2].column;
    const uint32_t rest0 = t->head[0].rest, rest1 = t->head[1].rest, rest2 = t->head[2].rest;
    for (; m < end; m++) {
        uint32_t found = head0[(uint8_t)(rest0 - column0[m])];
        if (found && (stop = row(s, t, 0, m, found)))
            return stop;
        if (heads > 1) {
            found = head1[(uint8_t)(rest1 - column1[m])];
            if (found && (stop = row(s, t, 1, m, found)))
                return stop;
        }
        if (heads > 2) {
            found = head2[(uint8_t)(rest2 - column2[m])];
            if (found && (stop = row(s, t, 2, m, found)))
                return stop;
        }
    }
    return 0;
}

/* Passes of the inner factor over all tuples of the outer ones. */
static inline __attribute__((always_inline)) uint32_t
passes(struct search *s, struct state *t, const uint32_t *first, const uint32_t heads)
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
        if ((stop = rows(s, t, start, end, heads)))
            return stop;
        if (known < 0 && (stop = rows(s, t, 0, start, heads)))
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

void join(struct search *s)
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
    most = t.left = p->max_tuples ? p->max_tuples : 1;
    t.known = p->known[LAST];
    heads = choose(s, p->heads, t.head);
    if (t.known >= 0)
        heads = 0;
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
    switch (heads) {
    case 0: stop = passes(s, &t, first, 0); break;
    case 1: stop = passes(s, &t, first, 1); break;
    case 2: stop = passes(s, &t, first, 2); break;
    default: stop = passes(s, &t, first, 3); break;
    }
    query_unload(s);
    s->result.iterations = most - t.left - t.skipped;
    for (unsigned f = 0; f < FACTORS; f++)
        s->result.similarity[f] = 0;
    if (t.verifier.best < 0) /* no row had a candidate */
        t.verifier.best = 0;
    store_result(&s->result, &t.verifier, stop);
}
