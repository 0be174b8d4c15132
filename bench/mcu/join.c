/* Join (golden/join.py): enumerates all factors but the last, looks the last one up.
 *
 * Rows need no queue here, and no tuple of a row without candidates is looked at beyond one byte:
 * the inner loop runs over a column of bytes of one block.
 */
#include "search.h"

#define ALWAYS static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

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
    const uint8_t *column, *head, *next, *last;
    uint32_t peak; /* byte */
    uint32_t rest; /* of the peak, when the outer factors are unbound; all of its bits */
    uint32_t block;
};

/* What rows need. */
struct state {
    struct verifier verifier;
    uint32_t left; /* candidates until the limit */
    const uint8_t *weight;
    const uint32_t (*inner)[WORDS], (*last)[WORDS]; /* codevectors; of the last, from number 1 on */
    uint32_t sum[WORDS]; /* outer codevectors, bound */
    uint32_t key[WORDS]; /* the peaks */
    int32_t accept;
    uint32_t factor;  /* of scores: the weight of all entries, if those are equal */
    uint32_t equal;   /* whether they are, one in each block */
    uint32_t skipped; /* found twice */
    uint32_t outer;   /* packed tuple of the outer codevectors */
    int32_t known;    /* last factor, or -1 */
    struct head head[3];
    uint8_t hit[CODEVECTORS]; /* rows with candidates */
};

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

/* Of a query whose entries have one weight, how many a packed sum meets. */
static inline int32_t matches(const uint32_t *sum, const uint32_t *key)
{
    uint32_t missed = 0;
    for (unsigned w = 0; w < WORDS; w++) {
        uint32_t low = 0x7F7F7F7Fu, other = ((sum[w] ^ key[w]) >> 1) & low;
        missed += ((other + low) & ~low) >> 7;
    }
    return BLOCKS - (int32_t)(missed * 0x01010101u >> 24);
}

/* Verify a row's sum with a codevector of the last factor; why the run ends, or 0. */
ALWAYS uint32_t candidate(struct search *s, struct state *t, const uint32_t *sum, uint32_t inner,
                          uint32_t last, const int equal)
{
    uint32_t bound[WORDS];
    (void)s;
    for (unsigned w = 0; w < WORDS; w++)
        bound[w] = sum[w] + t->last[last][w];
    int32_t value = equal ? matches(bound, t->key) : score(t->weight, bound);
    trace_word(&s->result, (uint32_t)value * t->factor);
    if (value > t->verifier.runner_up) {
        uint32_t tuple = t->outer | inner << 8 * INNER | (last - 1) << 8 * LAST;
        if (enter(&t->verifier, tuple, value) && value * (int32_t)t->factor >= t->accept) {
            t->left--;
            return STOP_ACCEPTED;
        }
    }
    return --t->left ? 0 : STOP_LIMIT;
}

/* Candidates of the rows that have some, or of all if the last factor is known. */
ALWAYS uint32_t verify(struct search *s, struct state *t, uint32_t from, uint32_t count,
                       const uint32_t heads, const int equal)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t inner = heads ? t->hit[i] : from + i, sum[WORDS], stop;
        for (unsigned w = 0; w < WORDS; w++)
            sum[w] = (t->sum[w] + t->inner[inner][w]) & MASK;
        if (!heads && (stop = candidate(s, t, sum, inner, (uint32_t)t->known + 1, equal)))
            return stop;
        for (uint32_t h = 0; h < heads; h++) {
            const struct head *own = &t->head[h];
            uint32_t last = own->head[(uint8_t)(own->rest - own->column[inner])];
            for (; last; last = own->next[last]) {
                int found = 0;
                for (uint32_t g = 0; g < h; g++) {
                    const struct head *e = &t->head[g];
                    found |= e->last[BLOCKS * last] == (uint8_t)(e->rest - e->column[inner]);
                }
                if (found) {
                    t->skipped++;
                    stop = --t->left ? 0 : STOP_LIMIT;
                } else {
                    stop = candidate(s, t, sum, inner, last, equal);
                }
                if (stop)
                    return stop;
            }
        }
    }
    return 0;
}

#define VERIFY(name, heads, equal) \
    static NOINLINE uint32_t name(struct search *s, struct state *t, uint32_t from, \
                                  uint32_t count) \
    { \
        return verify(s, t, from, count, heads, equal); \
    }
VERIFY(verify_all, 0, 0)
VERIFY(verify_equal, 1, 1)
VERIFY(verify_one, 1, 0)
VERIFY(verify_two, 2, 0)
VERIFY(verify_three, 3, 0)

/* Rows from `from` to `end`, not included, that have candidates; the next free place. The inner
 * loops are functions of their own, so that all they need stays in registers. */
static NOINLINE uint8_t *hits_of_one(const struct head *h, uint32_t from, uint32_t end,
                                     uint8_t *hit)
{
    const uint8_t *column = h->column, *head = h->head;
    uint32_t rest = h->rest;
    for (; from != end; from++)
        if (head[(uint8_t)(rest - column[from])])
            *hit++ = (uint8_t)from;
    return hit;
}

static NOINLINE uint8_t *hits_of_two(const struct head *h, uint32_t from, uint32_t end,
                                     uint8_t *hit)
{
    const uint8_t *column = h[0].column, *head = h[0].head;
    const uint8_t *column1 = h[1].column, *head1 = h[1].head;
    uint32_t rest = h[0].rest, rest1 = h[1].rest;
    for (; from != end; from++)
        if (head[(uint8_t)(rest - column[from])] || head1[(uint8_t)(rest1 - column1[from])])
            *hit++ = (uint8_t)from;
    return hit;
}

static NOINLINE uint8_t *hits_of_three(const struct head *h, uint32_t from, uint32_t end,
                                       uint8_t *hit)
{
    for (; from != end; from++)
        if (h[0].head[(uint8_t)(h[0].rest - h[0].column[from])]
            || h[1].head[(uint8_t)(h[1].rest - h[1].column[from])]
            || h[2].head[(uint8_t)(h[2].rest - h[2].column[from])])
            *hit++ = (uint8_t)from;
    return hit;
}

/* Rows of inner codevectors from `from` to `end`, not included. */
static uint32_t rows(struct search *s, struct state *t, uint32_t from, uint32_t end, uint32_t heads)
{
    uint8_t *last;
    switch (heads) {
    case 0:
        return verify_all(s, t, from, end - from);
    case 1:
        last = hits_of_one(t->head, from, end, t->hit);
        if (t->equal)
            return verify_equal(s, t, 0, (uint32_t)(last - t->hit));
        return verify_one(s, t, 0, (uint32_t)(last - t->hit));
    case 2:
        last = hits_of_two(t->head, from, end, t->hit);
        return verify_two(s, t, 0, (uint32_t)(last - t->hit));
    default:
        last = hits_of_three(t->head, from, end, t->hit);
        return verify_three(s, t, 0, (uint32_t)(last - t->hit));
    }
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
    t.equal = heads == 1;
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
