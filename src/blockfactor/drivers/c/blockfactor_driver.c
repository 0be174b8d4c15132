#include "blockfactor_driver.h"

#define GET BLOCKFACTOR_GET
#define PUT BLOCKFACTOR_PUT

enum {
    CHUNK = 16, /* words that are made on the stack before they are written */
    RESULTS = BLOCKFACTOR_DEPTHS_RESET >> BLOCKFACTOR_DEPTHS_RESULTS_SHIFT
              & BLOCKFACTOR_DEPTHS_RESULTS_MASK >> BLOCKFACTOR_DEPTHS_RESULTS_SHIFT,
    INDEX_LANES = 32 / BLOCKFACTOR_INDEX_LANE,
    ACKNOWLEDGE_LOOKS = 16 /* more than events there can be between two frames */
};

/* Errors of accesses: this driver's or the way's, never those of a query or a run. */
#define ACCESS_ERRORS                                                                      \
    (BLOCKFACTOR_ERRORS_BAD_ACCESS_MASK | BLOCKFACTOR_ERRORS_BAD_VALUE_MASK                \
     | BLOCKFACTOR_ERRORS_BUSY_ACCESS_MASK | BLOCKFACTOR_ERRORS_OVERFLOW_MASK)

/* Address and content after reset. */
typedef struct {
    uint32_t address, reset;
} place;

#define PLACE(name) {BLOCKFACTOR_##name##_ADDRESS, BLOCKFACTOR_##name##_RESET}

/* What tells one core from another. */
static const place identity_places[] = {
    PLACE(ID), PLACE(VERSION), PLACE(SHAPE), PLACE(CAPACITY), PLACE(ENGINES), PLACE(QUERIES),
    PLACE(DEPTHS),
};

/* Registers of run parameters, in the order in which parameter_words makes their words. */
static const place parameter_places[] = {
    PLACE(SIZES0),
#ifdef BLOCKFACTOR_SIZES1_ADDRESS
    PLACE(SIZES1),
#endif
    PLACE(KNOWN0),
#ifdef BLOCKFACTOR_KNOWN1_ADDRESS
    PLACE(KNOWN1),
#endif
    PLACE(SEARCH),
#ifdef BLOCKFACTOR_ACTIVATION_ADDRESS
    PLACE(ACTIVATION), PLACE(MAX_ITERATIONS),
#endif
#ifdef BLOCKFACTOR_MAX_TUPLES_ADDRESS
    PLACE(MAX_TUPLES),
#endif
    PLACE(SEED),
#ifdef BLOCKFACTOR_DENSE_ADDRESS
    PLACE(DENSE),
#endif
};

/* Registers of a result, in the order in which take() takes their words. */
static const place result_places[] = {
    PLACE(RESULT), PLACE(RESULT_INDICES0),
#ifdef BLOCKFACTOR_RESULT_INDICES1_ADDRESS
    PLACE(RESULT_INDICES1),
#endif
    PLACE(RESULT_SCORE), PLACE(RESULT_RUNNER_UP), PLACE(RESULT_ITERATIONS), PLACE(RESULT_CYCLES),
    PLACE(RESULT_SEED), PLACE(RESULT_CRC),
#ifdef BLOCKFACTOR_RESULT_SIMILARITY0_ADDRESS
    PLACE(RESULT_SIMILARITY0), PLACE(RESULT_SIMILARITY1),
#ifdef BLOCKFACTOR_RESULT_SIMILARITY2_ADDRESS
    PLACE(RESULT_SIMILARITY2),
#endif
#ifdef BLOCKFACTOR_RESULT_SIMILARITY3_ADDRESS
    PLACE(RESULT_SIMILARITY3),
#endif
#endif
};

enum {
    IDENTITY_PLACES = sizeof identity_places / sizeof *identity_places,
    PARAMETER_PLACES = sizeof parameter_places / sizeof *parameter_places,
    RESULT_PLACES = sizeof result_places / sizeof *result_places,
    BRIEF_PLACES = BLOCKFACTOR_FACTORS > 2 ? 5 : 4 /* to RESULT_RUNNER_UP */
};

/* Cannot be compiled where the device's words are too few. */
typedef char parameter_words_fit[PARAMETER_PLACES <= BLOCKFACTOR_PARAMETER_WORDS ? 1 : -1];

/* -- accesses: whatever fails leaves the device lost -------------------------------------------- */

static bool opened(const blockfactor_device *device) {
    return device && device->transport.read;
}

static blockfactor_status noted(blockfactor_device *device, blockfactor_status status) {
    if (status != BLOCKFACTOR_OK) device->lost = true;
    return status;
}

static blockfactor_status get(blockfactor_device *device, uint32_t address, uint32_t *words,
                              size_t count, bool stay) {
    const blockfactor_transport *way = &device->transport;
    return noted(device, way->read(way->context, address, words, count, stay));
}

static blockfactor_status put(blockfactor_device *device, uint32_t address, const uint32_t *words,
                              size_t count, bool stay) {
    const blockfactor_transport *way = &device->transport;
    return noted(device, way->write(way->context, address, words, count, stay));
}

static blockfactor_status put_word(blockfactor_device *device, uint32_t address, uint32_t word) {
    return put(device, address, &word, 1, false);
}

static blockfactor_status command(blockfactor_device *device, uint32_t mask) {
    return put_word(device, BLOCKFACTOR_CONTROL_ADDRESS, mask);
}

/* Read registers, neighbours in one go. */
static blockfactor_status get_places(blockfactor_device *device, const place *places,
                                     uint32_t *words, size_t count) {
    size_t n = 0;
    while (n < count) {
        size_t end = n + 1;
        blockfactor_status status;
        while (end < count && places[end].address == places[end - 1].address + 4) end++;
        status = get(device, places[n].address, words + n, end - n, false);
        if (status != BLOCKFACTOR_OK) return status;
        n = end;
    }
    return BLOCKFACTOR_OK;
}

/* Whether all accesses since the reset were taken, for ways that do not tell at once. */
static blockfactor_status check_accesses(blockfactor_device *device) {
    uint32_t errors = 0;
    blockfactor_status status = get(device, BLOCKFACTOR_ERRORS_ADDRESS, &errors, 1, false);
    if (status == BLOCKFACTOR_OK && (errors & ACCESS_ERRORS))
        status = noted(device, BLOCKFACTOR_ERROR_REFUSED);
    return status;
}

/* A look at STATUS: keeps what it says of the queues; ERRORS is read only if there are any. */
static blockfactor_status look(blockfactor_device *device, uint32_t *word) {
    blockfactor_status status = get(device, BLOCKFACTOR_STATUS_ADDRESS, word, 1, false);
    if (status != BLOCKFACTOR_OK) return status;
    device->space = (uint16_t)GET(*word, BLOCKFACTOR_STATUS_SPACE);
    device->waiting = (uint8_t)GET(*word, BLOCKFACTOR_STATUS_RESULTS);
    return *word & BLOCKFACTOR_STATUS_ERROR_MASK ? check_accesses(device) : BLOCKFACTOR_OK;
}

/* A look in as few bytes as the way has it: whether results wait, and errors. */
static blockfactor_status glance(blockfactor_device *device) {
    const blockfactor_transport *way = &device->transport;
    blockfactor_status status;
    uint32_t seen = 0;
    if (!way->peek) return look(device, &seen);
    status = noted(device, way->peek(way->context, &seen));
    if (status != BLOCKFACTOR_OK) return status;
    if (!(seen & BLOCKFACTOR_PEEK_RESULT))
        device->waiting = 0;
    else if (!device->waiting)
        device->waiting = 1;
    return seen & BLOCKFACTOR_PEEK_ERROR ? check_accesses(device) : BLOCKFACTOR_OK;
}

/* Whether to look again; BLOCKFACTOR_ERROR_TIMEOUT if that was often enough. */
static blockfactor_status again(blockfactor_device *device, uint32_t *limit) {
    if (!*limit) return BLOCKFACTOR_ERROR_TIMEOUT;
    --*limit;
    if (device->transport.pause) device->transport.pause(device->transport.pause_context);
    return BLOCKFACTOR_OK;
}

/* Wait until the bits `busy` of STATUS are 0 and `space` places of the queue are free. */
static blockfactor_status until(blockfactor_device *device, uint32_t busy, uint32_t space) {
    uint32_t limit = device->limit, word = 0;
    for (;;) {
        blockfactor_status status = look(device, &word);
        if (status != BLOCKFACTOR_OK) return status;
        if (!(word & busy) && device->space >= space) return BLOCKFACTOR_OK;
        status = again(device, &limit);
        if (status != BLOCKFACTOR_OK) return status;
    }
}

static blockfactor_status until_idle(blockfactor_device *device) {
    return until(device, BLOCKFACTOR_STATUS_BUSY_MASK, 0);
}

/* Make good for a call that failed half-way. */
static blockfactor_status begin(blockfactor_device *device) {
    return device->lost ? blockfactor_reset(device) : BLOCKFACTOR_OK;
}

/* Whether registers of parameters hold what was written: a write whose command was damaged on its
 * way is ignored, and no error tells of it. */
static blockfactor_status check_words(blockfactor_device *device, uint32_t address,
                                      const uint32_t *want, size_t count) {
    uint32_t have[BLOCKFACTOR_PARAMETER_WORDS] = {0};
    blockfactor_status status = get(device, address, have, count, false);
    size_t n;
    for (n = 0; n < count && status == BLOCKFACTOR_OK; n++)
        if (have[n] != want[n]) status = noted(device, BLOCKFACTOR_ERROR_READ_BACK);
    return status;
}

/* End of the neighbours of parameter n that differ as well. */
static size_t run_of(const bool *differs, size_t n) {
    size_t end = n + 1;
    while (differs[n] && end < PARAMETER_PLACES && differs[end]
           && parameter_places[end].address == parameter_places[end - 1].address + 4)
        end++;
    return end;
}

/* Write parameters that differ from what the device holds, neighbours in one go, and read them
 * back. */
static blockfactor_status put_parameters(blockfactor_device *device, const uint32_t *want) {
    bool differs[PARAMETER_PLACES], any = false;
    blockfactor_status status;
    size_t n, end;
    for (n = 0; n < PARAMETER_PLACES; n++) {
        differs[n] = want[n] != device->words[n];
        any = any || differs[n];
    }
    if (!any) return BLOCKFACTOR_OK;
    status = until_idle(device);
    if (status != BLOCKFACTOR_OK) return status;
    for (n = 0; n < PARAMETER_PLACES && status == BLOCKFACTOR_OK; n = end) {
        end = run_of(differs, n);
        if (differs[n])
            status = put(device, parameter_places[n].address, want + n, end - n, false);
    }
    if (status == BLOCKFACTOR_OK) status = check_accesses(device);
    for (n = 0; n < PARAMETER_PLACES && status == BLOCKFACTOR_OK; n = end) {
        end = run_of(differs, n);
        if (differs[n])
            status = check_words(device, parameter_places[n].address, want + n, end - n);
    }
    return status;
}

/* Write INT_ENABLE. */
static blockfactor_status put_irq(blockfactor_device *device, uint32_t which) {
    blockfactor_status status = put_word(device, BLOCKFACTOR_INT_ENABLE_ADDRESS, which);
    return status == BLOCKFACTOR_OK
               ? check_words(device, BLOCKFACTOR_INT_ENABLE_ADDRESS, &which, 1) : status;
}

/* -- words made on the way, some at a time ------------------------------------------------------ */

typedef struct {
    blockfactor_device *device;
    uint32_t address; /* of a window */
    bool compare;     /* the words are read and compared, not written */
    uint32_t crc;     /* of all words, begun with 0 */
    size_t count;
    uint32_t words[CHUNK];
} stream;

/* CRC-32 as zlib has it, over one more word. */
static uint32_t crc_word(uint32_t crc, uint32_t word) {
    unsigned n;
    crc = ~crc ^ word;
    for (n = 0; n < 32; n++) crc = (crc >> 1) ^ (UINT32_C(0xEDB88320) & (0u - (crc & 1u)));
    return ~crc;
}

static void stream_begin(stream *out, blockfactor_device *device, uint32_t address, bool compare) {
    out->device = device;
    out->address = address;
    out->compare = compare;
    out->crc = 0;
    out->count = 0;
}

static blockfactor_status stream_end(stream *out) {
    uint32_t have[CHUNK] = {0};
    blockfactor_status status;
    size_t count = out->count, n;
    out->count = 0;
    if (!count) return BLOCKFACTOR_OK;
    if (!out->compare) return put(out->device, out->address, out->words, count, true);
    status = get(out->device, out->address, have, count, true);
    for (n = 0; n < count && status == BLOCKFACTOR_OK; n++)
        if (have[n] != out->words[n]) status = BLOCKFACTOR_ERROR_READ_BACK;
    return status;
}

static blockfactor_status stream_word(stream *out, uint32_t word) {
    out->words[out->count++] = word;
    return out->count == CHUNK ? stream_end(out) : BLOCKFACTOR_OK;
}

/* -- set-up ------------------------------------------------------------------------------------ */

blockfactor_status blockfactor_open(blockfactor_device *device,
                                    const blockfactor_transport *transport, uint32_t limit) {
    uint32_t words[IDENTITY_PLACES] = {0};
    blockfactor_status status;
    size_t n;
    if (!device) return BLOCKFACTOR_ERROR_ARGUMENT;
    device->transport.read = NULL; /* not open */
    if (!transport || !transport->read || !transport->write) return BLOCKFACTOR_ERROR_ARGUMENT;
    device->transport = *transport;
    device->limit = limit;
    device->set = false;
    device->irq = 0;
    device->broken = 0;
    for (n = 0; n < BLOCKFACTOR_FACTORS; n++) device->sizes[n] = 0;

    status = get_places(device, identity_places, words, IDENTITY_PLACES);
    if (status == BLOCKFACTOR_OK && words[0] != BLOCKFACTOR_ID_RESET)
        status = BLOCKFACTOR_ERROR_ID;
    if (status == BLOCKFACTOR_OK
        && GET(words[1], BLOCKFACTOR_VERSION_MAP)
               != GET(BLOCKFACTOR_VERSION_RESET, BLOCKFACTOR_VERSION_MAP))
        status = BLOCKFACTOR_ERROR_VERSION;
    for (n = 2; n < IDENTITY_PLACES; n++)
        if (status == BLOCKFACTOR_OK && words[n] != identity_places[n].reset)
            status = BLOCKFACTOR_ERROR_OTHER_CORE;
    if (status == BLOCKFACTOR_OK) status = blockfactor_reset(device);
    if (status != BLOCKFACTOR_OK) device->transport.read = NULL;
    return status;
}

blockfactor_status blockfactor_reset(blockfactor_device *device) {
    uint32_t want[PARAMETER_PLACES];
    blockfactor_status status;
    size_t n;
    if (!opened(device)) return BLOCKFACTOR_ERROR_ARGUMENT;
    device->lost = true;
    device->pending = device->next_tag = device->waiting = 0;
    device->space = BLOCKFACTOR_QUEUE_ITEMS;
    device->loaded = device->dense = false;
    status = command(device, BLOCKFACTOR_CONTROL_SOFT_RESET_MASK);
    if (status == BLOCKFACTOR_OK && device->set) {
        for (n = 0; n < PARAMETER_PLACES; n++) {
            want[n] = device->words[n];
            device->words[n] = parameter_places[n].reset;
        }
        status = put_parameters(device, want);
        for (n = 0; n < PARAMETER_PLACES; n++) device->words[n] = want[n];
    }
    if (status == BLOCKFACTOR_OK && device->irq) status = put_irq(device, device->irq);
    if (status == BLOCKFACTOR_OK) device->lost = false;
    return status;
}

/* Write a codebook, or compare it. */
static blockfactor_status codebook(blockfactor_device *device, unsigned factor,
                                   const blockfactor_index *indices, size_t count, bool compare) {
    blockfactor_status status;
    uint32_t crc = 0;
    stream out;
    size_t m, n;
    unsigned block, lane;
    if (!opened(device) || !indices || factor >= BLOCKFACTOR_FACTORS || count < 1
        || count > BLOCKFACTOR_MAX_CODEVECTORS)
        return BLOCKFACTOR_ERROR_ARGUMENT;
    for (n = 0; n < count * BLOCKFACTOR_BLOCKS; n++) {
        uint32_t index = indices[n];
        if (index >= BLOCKFACTOR_BLOCK_LENGTH) return BLOCKFACTOR_ERROR_ARGUMENT;
    }
    status = begin(device);
    if (status == BLOCKFACTOR_OK) status = until_idle(device);
    if (status != BLOCKFACTOR_OK) return status;
    if (!compare) {
        device->sizes[factor] = 0;
        device->broken = (uint8_t)(device->broken | 1u << factor);
        status = command(device, BLOCKFACTOR_CONTROL_CLEAR_CRC_MASK);
    }
    if (status == BLOCKFACTOR_OK)
        status = put_word(device, BLOCKFACTOR_CODEBOOK_ADDRESS_ADDRESS,
                          PUT(factor, BLOCKFACTOR_CODEBOOK_ADDRESS_FACTOR));
    stream_begin(&out, device, BLOCKFACTOR_CODEBOOK_DATA_ADDRESS, compare);
    for (m = 0; m < count && status == BLOCKFACTOR_OK; m++)
        for (block = 0; block < BLOCKFACTOR_BLOCKS && status == BLOCKFACTOR_OK;
             block += INDEX_LANES) {
            uint32_t word = 0;
            for (lane = 0; lane < INDEX_LANES && block + lane < BLOCKFACTOR_BLOCKS; lane++)
                word |= (uint32_t)indices[block + lane] << BLOCKFACTOR_INDEX_LANE * lane;
            out.crc = crc_word(out.crc, word);
            status = stream_word(&out, word);
            if (block + INDEX_LANES >= BLOCKFACTOR_BLOCKS) indices += BLOCKFACTOR_BLOCKS;
        }
    if (status == BLOCKFACTOR_OK) status = stream_end(&out);
    if (status == BLOCKFACTOR_OK && !compare)
        status = get(device, BLOCKFACTOR_CODEBOOK_CRC_ADDRESS, &crc, 1, false);
    if (status == BLOCKFACTOR_OK) status = check_accesses(device);
    if (status != BLOCKFACTOR_OK || compare) return status;
    if (crc != out.crc) return BLOCKFACTOR_ERROR_CRC;
    device->sizes[factor] = (uint16_t)count;
    device->broken = (uint8_t)(device->broken & ~(1u << factor));
    return BLOCKFACTOR_OK;
}

blockfactor_status blockfactor_codebook_load(blockfactor_device *device, unsigned factor,
                                             const blockfactor_index *indices, size_t count) {
    return codebook(device, factor, indices, count, false);
}

blockfactor_status blockfactor_codebook_verify(blockfactor_device *device, unsigned factor,
                                               const blockfactor_index *indices, size_t count) {
    return codebook(device, factor, indices, count, true);
}

/* -- run parameters ---------------------------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Whether the core can run them. */
static bool can_run(const blockfactor_parameters *p) {
    uint32_t heads = p->heads, most_heads = 3, level = p->level;
    unsigned f;
    for (f = 0; f < BLOCKFACTOR_FACTORS; f++)
        if (p->sizes[f] < 1 || p->sizes[f] > BLOCKFACTOR_MAX_CODEVECTORS
            || p->known[f] < BLOCKFACTOR_UNKNOWN || p->known[f] >= (int32_t)p->sizes[f])
            return false;
    if (level > BLOCKFACTOR_SEARCH_LEVEL_MASK >> BLOCKFACTOR_SEARCH_LEVEL_SHIFT) return false;
    switch (p->mode) {
    case BLOCKFACTOR_SEARCH_MODE_AUTO:
        break;
#ifdef BLOCKFACTOR_ACTIVATION_ADDRESS
    case BLOCKFACTOR_SEARCH_MODE_FACTORIZE:
        break;
#endif
#ifdef BLOCKFACTOR_MAX_TUPLES_ADDRESS
    case BLOCKFACTOR_SEARCH_MODE_JOIN:
    case BLOCKFACTOR_SEARCH_MODE_SCAN:
        break;
#endif
    default:
        return false;
    }
#ifdef BLOCKFACTOR_MAX_TUPLES_ADDRESS
    if (p->mode == BLOCKFACTOR_SEARCH_MODE_AUTO || p->mode == BLOCKFACTOR_SEARCH_MODE_JOIN)
        most_heads = GET(BLOCKFACTOR_ENGINES_RESET, BLOCKFACTOR_ENGINES_HEADS);
    if (heads < 1 || heads > most_heads) return false;
#else
    (void)heads;
    (void)most_heads;
#endif
#ifdef BLOCKFACTOR_ACTIVATION_ADDRESS
    if (p->trim >= BLOCKFACTOR_BLOCKS || p->use_sum > 1
        || p->patience > BLOCKFACTOR_SEARCH_PATIENCE_MASK >> BLOCKFACTOR_SEARCH_PATIENCE_SHIFT)
        return false;
#endif
#ifdef BLOCKFACTOR_DENSE_ADDRESS
    if (p->dense_log > 1
        || p->dense_shift > BLOCKFACTOR_DENSE_SHIFT_MASK >> BLOCKFACTOR_DENSE_SHIFT_SHIFT)
        return false;
#endif
    return true;
}

#define KNOWN(p, f, register)                                                              \
    ((p)->known[f] < 0 ? 0u                                                                \
                       : PUT((p)->known[f], BLOCKFACTOR_##register##_INDEX##f)             \
                             | PUT(1, BLOCKFACTOR_##register##_KNOWN##f))

static void parameter_words(const blockfactor_parameters *p, uint32_t *words) {
    *words++ = PUT(p->sizes[0], BLOCKFACTOR_SIZES0_SIZE0)
               | PUT(p->sizes[1], BLOCKFACTOR_SIZES0_SIZE1);
#ifdef BLOCKFACTOR_SIZES1_SIZE3_MASK
    *words++ = PUT(p->sizes[2], BLOCKFACTOR_SIZES1_SIZE2)
               | PUT(p->sizes[3], BLOCKFACTOR_SIZES1_SIZE3);
#elif defined(BLOCKFACTOR_SIZES1_SIZE2_MASK)
    *words++ = PUT(p->sizes[2], BLOCKFACTOR_SIZES1_SIZE2);
#endif
    *words++ = KNOWN(p, 0, KNOWN0) | KNOWN(p, 1, KNOWN0);
#ifdef BLOCKFACTOR_KNOWN1_KNOWN3_MASK
    *words++ = KNOWN(p, 2, KNOWN1) | KNOWN(p, 3, KNOWN1);
#elif defined(BLOCKFACTOR_KNOWN1_KNOWN2_MASK)
    *words++ = KNOWN(p, 2, KNOWN1);
#endif
    *words = PUT(p->mode, BLOCKFACTOR_SEARCH_MODE) | PUT(p->level, BLOCKFACTOR_SEARCH_LEVEL);
#ifdef BLOCKFACTOR_SEARCH_HEADS_MASK
    *words |= PUT(p->heads, BLOCKFACTOR_SEARCH_HEADS);
#endif
#ifdef BLOCKFACTOR_ACTIVATION_ADDRESS
    *words++ |= PUT(p->trim, BLOCKFACTOR_SEARCH_TRIM) | PUT(p->use_sum, BLOCKFACTOR_SEARCH_USE_SUM)
                | PUT(p->patience, BLOCKFACTOR_SEARCH_PATIENCE);
    /* More than the codebook means the whole of it. */
    *words++ = PUT(p->threshold, BLOCKFACTOR_ACTIVATION_THRESHOLD)
               | PUT(least(p->samples, BLOCKFACTOR_MAX_CODEVECTORS), BLOCKFACTOR_ACTIVATION_SAMPLES);
    *words++ = PUT(p->max_iterations, BLOCKFACTOR_MAX_ITERATIONS_ITERATIONS);
#else
    words++;
#endif
#ifdef BLOCKFACTOR_MAX_TUPLES_ADDRESS
    *words++ = least(p->max_tuples, BLOCKFACTOR_MAX_TUPLES_TUPLES_MASK);
#endif
    *words++ = p->seed;
#ifdef BLOCKFACTOR_DENSE_ADDRESS
    *words++ = least(p->dense_threshold, BLOCKFACTOR_DENSE_THRESHOLD_MASK)
               | PUT(p->dense_log, BLOCKFACTOR_DENSE_LOG)
               | PUT(p->dense_shift, BLOCKFACTOR_DENSE_SHIFT);
#endif
}

/* Whether the codebooks loaded have as many codevectors as parameters ask for. */
static bool codebooks_suffice(const blockfactor_device *device, const uint32_t *words) {
    unsigned f;
    for (f = 0; f < BLOCKFACTOR_FACTORS; f++) {
        uint32_t have = device->sizes[f];
        uint32_t want = f & 1u ? GET(words[f / 2], BLOCKFACTOR_SIZES0_SIZE1)
                               : GET(words[f / 2], BLOCKFACTOR_SIZES0_SIZE0);
        if (have && want > have) return false;
    }
    return true;
}

blockfactor_status blockfactor_parameters_set(blockfactor_device *device,
                                              const blockfactor_parameters *parameters) {
    uint32_t want[PARAMETER_PLACES];
    blockfactor_status status;
    size_t n;
    if (!opened(device) || !parameters) return BLOCKFACTOR_ERROR_ARGUMENT;
    if (!can_run(parameters)) return BLOCKFACTOR_ERROR_PARAMETERS;
    parameter_words(parameters, want);
    if (!codebooks_suffice(device, want)) return BLOCKFACTOR_ERROR_CODEBOOK;
    status = begin(device);
    if (status != BLOCKFACTOR_OK) return status;
    if (!device->set)
        for (n = 0; n < PARAMETER_PLACES; n++) device->words[n] = parameter_places[n].reset;
    status = put_parameters(device, want);
    if (status != BLOCKFACTOR_OK) return status;
    for (n = 0; n < PARAMETER_PLACES; n++) device->words[n] = want[n];
    device->set = true;
    return BLOCKFACTOR_OK;
}

/* -- queries ----------------------------------------------------------------------------------- */

/* Whether a run can be queued; waits until so many places of the queue are free. */
static blockfactor_status room(blockfactor_device *device, uint32_t places) {
    blockfactor_status status = begin(device);
    if (status != BLOCKFACTOR_OK) return status;
    if (!device->set) return BLOCKFACTOR_ERROR_NO_PARAMETERS;
    if (device->broken || !codebooks_suffice(device, device->words))
        return BLOCKFACTOR_ERROR_CODEBOOK;
    if (device->pending >= RESULTS) return BLOCKFACTOR_ERROR_FULL;
    /* Nobody but this driver fills the queue. */
    return device->space >= places ? BLOCKFACTOR_OK : until(device, 0, places);
}

/* A run has been queued, in so many places, if the accesses were taken. */
static blockfactor_status queued(blockfactor_device *device, uint32_t places) {
    blockfactor_status status;
    device->space = (uint16_t)(device->space - places);
    status = glance(device);
    if (status != BLOCKFACTOR_OK) return status;
    device->pending++;
    device->next_tag++;
    return BLOCKFACTOR_OK;
}

/* Whether the core can take a query. */
static bool can_take(const blockfactor_entry *entries, size_t count) {
    size_t n, first = 0, other;
    for (n = 0; n < count; n++) {
        const blockfactor_entry *entry = entries + n;
        if (entry->block >= BLOCKFACTOR_BLOCKS || entry->index >= BLOCKFACTOR_BLOCK_LENGTH
            || entry->weight < 1 || entry->weight > BLOCKFACTOR_MAX_WEIGHT)
            return false;
        if (n && entry->block < entry[-1].block) return false;
        if (n && entry->block > entry[-1].block) first = n;
        if (n - first >= BLOCKFACTOR_QUERY_ENTRIES) return false;
        for (other = first; other < n; other++)
            if (entries[other].index == entry->index) return false;
    }
    return true;
}

blockfactor_status blockfactor_query(blockfactor_device *device, const blockfactor_entry *entries,
                                     size_t count) {
    blockfactor_status status;
    stream out;
    size_t n;
    if (!opened(device) || !entries || count < 1
        || count > (size_t)BLOCKFACTOR_BLOCKS * BLOCKFACTOR_QUERY_ENTRIES)
        return BLOCKFACTOR_ERROR_ARGUMENT;
    if (!can_take(entries, count)) return BLOCKFACTOR_ERROR_QUERY;
    /* A query that follows a dense one waits until that has left the queue. */
    status = room(device, device->dense ? BLOCKFACTOR_QUEUE_ITEMS : (uint32_t)count);
    if (status != BLOCKFACTOR_OK) return status;
    stream_begin(&out, device, BLOCKFACTOR_QUERY_ENTRY_ADDRESS, false);
    for (n = 0; n < count && status == BLOCKFACTOR_OK; n++)
        status = stream_word(&out, PUT(entries[n].block, BLOCKFACTOR_QUERY_ENTRY_BLOCK)
                                       | PUT(entries[n].weight, BLOCKFACTOR_QUERY_ENTRY_WEIGHT)
                                       | PUT(entries[n].index, BLOCKFACTOR_QUERY_ENTRY_INDEX)
                                       | PUT(n + 1 == count, BLOCKFACTOR_QUERY_ENTRY_LAST));
    if (status == BLOCKFACTOR_OK) status = stream_end(&out);
    if (status != BLOCKFACTOR_OK) return status;
    device->dense = false;
    device->loaded = true;
    return queued(device, (uint32_t)count);
}

blockfactor_status blockfactor_query_clean(blockfactor_device *device,
                                           const blockfactor_index *indices) {
    blockfactor_entry entries[BLOCKFACTOR_BLOCKS];
    unsigned block;
    if (!indices) return BLOCKFACTOR_ERROR_ARGUMENT;
    for (block = 0; block < BLOCKFACTOR_BLOCKS; block++) {
        entries[block].block = (uint8_t)block;
        entries[block].weight = BLOCKFACTOR_MAX_WEIGHT;
        entries[block].index = indices[block];
    }
    return blockfactor_query(device, entries, BLOCKFACTOR_BLOCKS);
}

#ifdef BLOCKFACTOR_ELEMENT_LANE
blockfactor_status blockfactor_query_dense(blockfactor_device *device,
                                           const blockfactor_element *elements) {
    enum { LANES = 32 / BLOCKFACTOR_ELEMENT_LANE };
    blockfactor_status status;
    stream out;
    uint32_t all = 0;
    size_t n;
    unsigned block, lane;
    if (!opened(device) || !elements) return BLOCKFACTOR_ERROR_ARGUMENT;
    for (n = 0; n < (size_t)BLOCKFACTOR_BLOCKS * BLOCKFACTOR_BLOCK_LENGTH; n++) all |= elements[n];
    if (!all || (all & ~BLOCKFACTOR_QUERY_DENSE_ELEMENT0_MASK)) return BLOCKFACTOR_ERROR_QUERY;
    status = room(device, BLOCKFACTOR_QUEUE_ITEMS);
    if (status != BLOCKFACTOR_OK) return status;
    stream_begin(&out, device, BLOCKFACTOR_QUERY_DENSE_ADDRESS, false);
    for (n = 0; n < BLOCKFACTOR_BLOCK_LENGTH && status == BLOCKFACTOR_OK; n++)
        for (block = 0; block < BLOCKFACTOR_BLOCKS && status == BLOCKFACTOR_OK; block += LANES) {
            uint32_t word = 0;
            for (lane = 0; lane < LANES && block + lane < BLOCKFACTOR_BLOCKS; lane++)
                word |= (uint32_t)elements[(block + lane) * BLOCKFACTOR_BLOCK_LENGTH + n]
                        << BLOCKFACTOR_ELEMENT_LANE * lane;
            status = stream_word(&out, word);
        }
    if (status == BLOCKFACTOR_OK) status = stream_end(&out);
    if (status != BLOCKFACTOR_OK) return status;
    device->dense = device->loaded = true;
    return queued(device, device->space); /* how many it still has nobody counts */
}
#endif

blockfactor_status blockfactor_start(blockfactor_device *device) {
    blockfactor_status status;
    if (!opened(device)) return BLOCKFACTOR_ERROR_ARGUMENT;
    status = begin(device); /* which may forget the query */
    if (status != BLOCKFACTOR_OK) return status;
    if (!device->loaded) return BLOCKFACTOR_ERROR_NO_QUERY;
    status = room(device, 1);
    if (status == BLOCKFACTOR_OK) status = command(device, BLOCKFACTOR_CONTROL_START_MASK);
    return status == BLOCKFACTOR_OK ? queued(device, 1) : status;
}

unsigned blockfactor_in_flight(const blockfactor_device *device) {
    return opened(device) ? device->pending : 0;
}

blockfactor_status blockfactor_wait(blockfactor_device *device, uint32_t limit) {
    blockfactor_status status;
    if (!opened(device)) return BLOCKFACTOR_ERROR_ARGUMENT;
    status = begin(device);
    if (status != BLOCKFACTOR_OK) return status;
    if (!device->pending) return BLOCKFACTOR_ERROR_EMPTY;
    while (!device->waiting) {
        status = glance(device);
        if (status == BLOCKFACTOR_OK && !device->waiting) status = again(device, &limit);
        if (status != BLOCKFACTOR_OK) return status;
    }
    return BLOCKFACTOR_OK;
}

blockfactor_status blockfactor_result_ready(blockfactor_device *device) {
    blockfactor_status status = blockfactor_wait(device, 0);
    return status == BLOCKFACTOR_ERROR_TIMEOUT ? BLOCKFACTOR_NOT_READY : status;
}

/* The first `count` registers of a result; the others count as 0. */
static blockfactor_status take(blockfactor_device *device, blockfactor_result *result,
                               size_t count) {
    uint32_t words[RESULT_PLACES] = {0};
    const uint32_t *word = words;
    blockfactor_status status;
    if (!result) return BLOCKFACTOR_ERROR_ARGUMENT;
    status = blockfactor_result_ready(device);
    if (status == BLOCKFACTOR_OK) status = get_places(device, result_places, words, count);
    /* Whether that is taken the next look tells, or the next result's tag. */
    if (status == BLOCKFACTOR_OK) status = command(device, BLOCKFACTOR_CONTROL_POP_MASK);
    if (status != BLOCKFACTOR_OK) return status;
    device->waiting--;
    result->tag = (uint8_t)GET(*word, BLOCKFACTOR_RESULT_TAG);
    result->stop = (uint8_t)GET(*word, BLOCKFACTOR_RESULT_STOP);
    result->errors = (uint8_t)GET(*word++, BLOCKFACTOR_RESULT_ERRORS);
    result->indices[0] = (uint16_t)GET(*word, BLOCKFACTOR_RESULT_INDICES0_INDEX0);
    result->indices[1] = (uint16_t)GET(*word++, BLOCKFACTOR_RESULT_INDICES0_INDEX1);
#ifdef BLOCKFACTOR_RESULT_INDICES1_ADDRESS
    result->indices[2] = (uint16_t)GET(*word, BLOCKFACTOR_RESULT_INDICES1_INDEX2);
#ifdef BLOCKFACTOR_RESULT_INDICES1_INDEX3_MASK
    result->indices[3] = (uint16_t)GET(*word, BLOCKFACTOR_RESULT_INDICES1_INDEX3);
#endif
    word++;
#endif
    result->score = (uint16_t)GET(*word, BLOCKFACTOR_RESULT_SCORE_SCORE);
    result->smax = (uint16_t)GET(*word++, BLOCKFACTOR_RESULT_SCORE_SMAX);
    result->runner_up = (uint16_t)GET(*word++, BLOCKFACTOR_RESULT_RUNNER_UP_RUNNER_UP);
    result->iterations = *word++;
    result->cycles = *word++;
    result->seed = *word++;
    result->crc = *word++;
#ifdef BLOCKFACTOR_RESULT_SIMILARITY0_ADDRESS
    {
        unsigned f;
        for (f = 0; f < BLOCKFACTOR_FACTORS; f++) result->similarities[f] = *word++;
    }
#endif
    if (result->tag != (uint8_t)(device->next_tag - device->pending))
        return noted(device, BLOCKFACTOR_ERROR_TAG);
    device->pending--;
    return BLOCKFACTOR_OK;
}

blockfactor_status blockfactor_result_read(blockfactor_device *device, blockfactor_result *result) {
    return take(device, result, RESULT_PLACES);
}

blockfactor_status blockfactor_result_read_brief(blockfactor_device *device,
                                                 blockfactor_result *result) {
    return take(device, result, BRIEF_PLACES);
}

blockfactor_status blockfactor_factorize(blockfactor_device *device,
                                         const blockfactor_entry *entries, size_t count,
                                         blockfactor_result *result, uint32_t limit) {
    blockfactor_status status;
    if (!opened(device) || !result) return BLOCKFACTOR_ERROR_ARGUMENT;
    if (device->pending && !device->lost) return BLOCKFACTOR_ERROR_FULL;
    status = blockfactor_query(device, entries, count);
    if (status == BLOCKFACTOR_OK) status = blockfactor_wait(device, limit);
    return status == BLOCKFACTOR_OK ? blockfactor_result_read(device, result) : status;
}

blockfactor_status blockfactor_abort(blockfactor_device *device) {
    blockfactor_status status;
    if (!opened(device)) return BLOCKFACTOR_ERROR_ARGUMENT;
    status = begin(device);
    return status == BLOCKFACTOR_OK ? command(device, BLOCKFACTOR_CONTROL_ABORT_MASK) : status;
}

/* -- interrupts -------------------------------------------------------------------------------- */

blockfactor_status blockfactor_irq_enable(blockfactor_device *device, uint32_t which) {
    blockfactor_status status;
    if (!opened(device) || (which & ~BLOCKFACTOR_INT_ENABLE_WRITE_MASK))
        return BLOCKFACTOR_ERROR_ARGUMENT;
    status = begin(device);
    if (status == BLOCKFACTOR_OK) status = put_irq(device, which);
    if (status == BLOCKFACTOR_OK) device->irq = (uint8_t)which;
    return status;
}

blockfactor_status blockfactor_irq_acknowledge(blockfactor_device *device, uint32_t *which) {
    blockfactor_status status;
    const blockfactor_transport *way;
    uint32_t state = 0, seen = 0;
    unsigned looks;
    if (!opened(device) || !which) return BLOCKFACTOR_ERROR_ARGUMENT;
    way = &device->transport;
    *which = 0;
    /* What is set after a look keeps the line high, without another edge. */
    for (looks = 0; looks < ACKNOWLEDGE_LOOKS; looks++) {
        status = get(device, BLOCKFACTOR_INT_STATE_ADDRESS, &state, 1, false);
        state &= BLOCKFACTOR_INT_STATE_WRITE_MASK;
        if (status != BLOCKFACTOR_OK || !state) return status;
        status = put_word(device, BLOCKFACTOR_INT_STATE_ADDRESS, state);
        if (status != BLOCKFACTOR_OK) return status;
        *which |= state;
        if (way->peek) { /* says the same of the line, in fewer bytes */
            status = noted(device, way->peek(way->context, &seen));
            if (status != BLOCKFACTOR_OK || !(seen & BLOCKFACTOR_PEEK_IRQ)) {
                if (status == BLOCKFACTOR_OK && (seen & BLOCKFACTOR_PEEK_RESULT)
                    && !device->waiting)
                    device->waiting = 1;
                return status;
            }
        }
    }
    return BLOCKFACTOR_ERROR_TIMEOUT;
}

/* -- errors ------------------------------------------------------------------------------------ */

blockfactor_status blockfactor_errors_read(blockfactor_device *device, uint32_t *errors) {
    if (!opened(device) || !errors) return BLOCKFACTOR_ERROR_ARGUMENT;
    /* Without a reset, which would clear them. */
    return device->transport.read(device->transport.context, BLOCKFACTOR_ERRORS_ADDRESS, errors, 1,
                                  false);
}

blockfactor_status blockfactor_errors_clear(blockfactor_device *device) {
    if (!opened(device)) return BLOCKFACTOR_ERROR_ARGUMENT;
    return put_word(device, BLOCKFACTOR_ERRORS_ADDRESS, BLOCKFACTOR_ERRORS_WRITE_MASK);
}

const char *blockfactor_error_text(blockfactor_status status) {
    switch (status) {
    case BLOCKFACTOR_OK:
        return "done";
    case BLOCKFACTOR_ERROR_ARGUMENT:
        return "a null pointer, a number out of its range, or a device that is not open";
    case BLOCKFACTOR_ERROR_PARAMETERS:
        return "the core cannot run these parameters";
    case BLOCKFACTOR_ERROR_CODEBOOK:
        return "a codebook has too few codevectors, or could not be loaded";
    case BLOCKFACTOR_ERROR_QUERY:
        return "the core cannot take this query";
    case BLOCKFACTOR_ERROR_NO_PARAMETERS:
        return "no parameters have been set";
    case BLOCKFACTOR_ERROR_NO_QUERY:
        return "no query has been written since the reset";
    case BLOCKFACTOR_ERROR_FULL:
        return "no more results can wait: read one first";
    case BLOCKFACTOR_ERROR_EMPTY:
        return "no run is in flight";
    case BLOCKFACTOR_NOT_READY:
        return "the result is not there yet";
    case BLOCKFACTOR_ERROR_TRANSPORT:
        return "the device cannot be reached";
    case BLOCKFACTOR_ERROR_REFUSED:
        return "the device refused an access";
    case BLOCKFACTOR_ERROR_ID:
        return "no blockfactor core answers";
    case BLOCKFACTOR_ERROR_VERSION:
        return "the core has another version of the register map";
    case BLOCKFACTOR_ERROR_OTHER_CORE:
        return "the core was generated with other parameters";
    case BLOCKFACTOR_ERROR_TIMEOUT:
        return "the device did not become ready in time";
    case BLOCKFACTOR_ERROR_CRC:
        return "the codebook did not arrive as it was sent";
    case BLOCKFACTOR_ERROR_READ_BACK:
        return "something else is stored than was written";
    case BLOCKFACTOR_ERROR_TAG:
        return "the result of another run came";
    }
    return "no such status";
}
