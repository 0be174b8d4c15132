/* Factorize (golden/factorize.py): the published method, written for a microcontroller.
 *
 * What software need not do as the core does, results being the same:
 *
 * - entries of weight 0 leave a list at once;
 * - a histogram that cannot saturate is added to without looking, one that could only in theory
 *   (no sum of all weights exceeds 16 bits) is limited where it is read;
 * - a codevector is given up at the first block that shows that its similarity does not matter;
 * - blocks with few entries are looked at first;
 * - after a few tuples only what they touched is cleared.
 */
#include "factorize_scan.h"

#if LIST_SIZE > 64
#error "LIST_SIZE is outside 1..64"
#endif

/* Similarities of a list become weights: 8, halved for every bit below the best, 0 past three. */
static void weigh(struct list *list, uint32_t best)
{
    uint32_t power = best, count = 0;
    for (unsigned shift = 1; shift < 32; shift *= 2)
        power |= power >> shift;
    power -= power >> 1;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t value = list->weight[i], weight;
        if (value >= power)
            weight = 8;
        else if (value >= power >> 1)
            weight = 4;
        else if (value >= power >> 2)
            weight = 2;
        else if (value >= power >> 3)
            weight = 1;
        else
            continue;
        for (unsigned w = 0; w < WORDS; w++)
            list->code[count][w] = list->code[i][w];
        list->weight[count++] = weight;
    }
    list->count = count;
    list->sampled = 0;
}

static uint32_t draw_count(const struct parameters *p, uint32_t size, int start)
{
    uint32_t count = p->samples;
    if (count == 0 || count >= size)
        count = start ? size : (size + 1) / 2;
    return count < LIST_SIZE ? count : LIST_SIZE;
}

/* A factor's list becomes distinct random codevectors: an affine walk. */
static void draw(struct search *s, unsigned f, uint32_t lfsr, int start)
{
    uint32_t size = s->books.size[f], samples = s->parameters.samples, mask = walk_mask(size);
    uint32_t count = draw_count(&s->parameters, size, start);
    uint32_t at = lfsr & mask, stride = (lfsr >> BITS & mask) | 1, taken = 0;
    struct list *list = &s->list[f];
    if (start && (samples == 0 || samples >= size)) { /* the whole codebook, or its beginning */
        at = 0;
        stride = 1;
    }
    trace_word(&s->result, at);
    trace_word(&s->result, stride);
    while (taken < count) {
        if (at < size) {
            for (unsigned w = 0; w < WORDS; w++)
                list->code[taken][w] = s->books.code[f][at][w];
            list->weight[taken++] = 1;
        }
        at = (at + stride) & mask;
    }
    list->count = count;
    list->sampled = 1;
}

/* min(scaled * product >> 16, limit) in 32 bits; scaled < 2**29, product < 2**27. */
static uint32_t threshold(uint32_t scaled, uint32_t product, uint32_t limit)
{
    uint32_t high = scaled >> 16, low = scaled & 0xFFFF, theta;
    if (high * (product >> 11) >= 1u << 19)
        return limit;
    theta = high * product + low * (product >> 16) + (low * (product & 0xFFFF) >> 16);
    return theta < limit ? theta : limit;
}

/* Update factor f. */
static void update(struct search *s, unsigned f, struct step *t, uint32_t scaled, int single,
                   uint32_t lfsr)
{
    const struct parameters *p = &s->parameters;
    struct list *list[LAST];
    for (unsigned g = 0, n = 0; g < FACTORS; g++)
        if (g != f)
            list[n++] = &s->list[g];
#if FACTORS == 3
    if (list[0]->count > list[1]->count) {
        struct list *longer = list[0];
        list[0] = list[1];
        list[1] = longer;
    }
#endif
    uint32_t product = unbind(s, list);
    int limited = product > p->histogram_limit && product <= 0xFFFF;
    t->theta = threshold(scaled, product, p->similarity_limit);
    t->candidate = 0;
    if (p->use_sum)
        scan_sum(s, f, t);
    else if (p->trim)
        (limited ? scan_trimmed_limited : scan_trimmed)(s, f, t);
    else if (single)
        (limited ? scan_least_single_limited : scan_least_single)(s, f, t);
    else
        (limited ? scan_least_limited : scan_least)(s, f, t);
    clear(s, list);
    s->result.similarity[f] = t->best;
#ifdef TRACE
    uint32_t count = s->list[f].count;
    trace_word(&s->result, f | !count << 2
               | (count ? count : draw_count(p, s->books.size[f], 0)) << 3);
    trace_word(&s->result, t->candidate);
    trace_word(&s->result, t->best);
    if (p->similarity_limit > 0xFFFF)
        trace_word(&s->result, t->best >> 16);
#endif
    if (s->list[f].count)
        weigh(&s->list[f], t->best);
    else
        draw(s, f, lfsr, 0);
}

/* Verify the candidates; 1: a new best. */
static int verify(struct search *s, struct verifier *v, const uint32_t *candidate, int32_t *value)
{
    uint32_t sum[WORDS] = {0}, tuple = 0;
    for (unsigned f = 0; f < FACTORS; f++) {
        for (unsigned w = 0; w < WORDS; w++)
            sum[w] = (sum[w] + s->books.code[f][candidate[f]][w]) & MASK;
        tuple |= candidate[f] << 8 * f;
    }
    *value = score(s->weight[0], sum);
    trace_word(&s->result, (uint32_t)*value);
    return *value > v->runner_up && enter(v, tuple, *value);
}

/* The run proper; why it ended. */
static uint32_t run(struct search *s, struct verifier *v)
{
    const struct parameters *p = &s->parameters;
    struct step t;
    uint32_t candidate[FACTORS], lfsr = p->seed ? p->seed : 1, sum, quiet = 0;
    uint32_t unknown = 0, first = FACTORS;
    int32_t accept = accept_level(p->level, query_load(s, &sum)), value;
    int single = 1, fresh = 0;
    uint32_t scaled = p->threshold * sum * (p->use_sum ? BLOCKS : 1);
    t.limit = p->histogram_limit;
    t.trim = p->trim;
    for (unsigned b = 0; b < BLOCKS; b++) {
        t.count[b] = s->query.count[b];
        single = single && t.count[b] == 1;
        if (b % 4 == 0)
            t.packed[b / 4] = ~MASK;
        t.packed[b / 4] |= (uint32_t)s->query.index[b][0] * SCALE << 8 * (b % 4);
        for (unsigned e = 0; e < t.count[b]; e++) {
            t.entry[b][e].byte = (uint8_t)(s->query.index[b][e] * SCALE);
            t.entry[b][e].weight = s->query.weight[b][e];
        }
    }
    for (unsigned b = 0; b < BLOCKS; b++) {
        unsigned at = b;
        for (; at && t.count[t.order[at - 1]] > t.count[b]; at--)
            t.order[at] = t.order[at - 1];
        t.order[at] = (uint8_t)b;
    }
    s->result.iterations = 0;
    for (unsigned f = 0; f < FACTORS; f++) {
        s->result.similarity[f] = candidate[f] = 0;
        if (p->known[f] >= 0) {
            candidate[f] = (uint32_t)p->known[f];
            for (unsigned w = 0; w < WORDS; w++)
                s->list[f].code[0][w] = s->books.code[f][candidate[f]][w];
            s->list[f].weight[0] = s->list[f].count = s->list[f].sampled = 1;
        } else if (!unknown++) {
            first = f;
        }
    }
    if (!unknown || !p->max_iterations) {
        verify(s, v, candidate, &value);
        if (value >= accept)
            return STOP_ACCEPTED;
        return unknown ? STOP_LIMIT : STOP_COMPLETE;
    }
    for (unsigned f = first + 1; f < FACTORS; f++) {
        if (p->known[f] < 0) {
            draw(s, f, lfsr, 1);
            lfsr = leap(lfsr, 2 * BITS);
        }
    }
    uint32_t limit = unknown == 1 ? 1 : p->max_iterations;
    for (uint32_t iteration = 1;; iteration++) {
        uint32_t updated = 0;
        int busy = 0;
        s->result.iterations = iteration;
        for (unsigned f = first; f < FACTORS; f++) {
            if (p->known[f] >= 0)
                continue;
            update(s, f, &t, scaled, single, lfsr);
            candidate[f] = t.candidate;
            busy |= (int)s->list[f].sampled | fresh;
            fresh = 0;
            lfsr = leap(lfsr, 2 * BITS);
            if (iteration > 1 || ++updated == unknown) {
                fresh = verify(s, v, candidate, &value);
                if (value >= accept)
                    return STOP_ACCEPTED;
            }
        }
        if (iteration == limit)
            return unknown == 1 ? STOP_COMPLETE : STOP_LIMIT;
        quiet = busy ? 0 : quiet + 1;
        if (quiet && quiet == p->patience) {
            quiet = 0;
            for (unsigned f = first + 1; f < FACTORS; f++) {
                if (p->known[f] < 0) {
                    draw(s, f, lfsr, 0);
                    lfsr = leap(lfsr, 2 * BITS);
                }
            }
        }
    }
}

void factorize(struct search *s)
{
    struct verifier v = {-1, -1, 0};
#ifdef TRACE
    s->result.crc = 0xFFFFFFFFu;
#endif
    uint32_t stop = run(s, &v);
    query_unload(s);
    store_result(&s->result, &v, stop);
}
