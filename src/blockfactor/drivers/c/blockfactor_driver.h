/* Driver of blockfactor, a core that factorizes sparse block codes: C99 or C++, no heap, no
 * globals, nothing of the C library but <stddef.h>, <stdint.h> and <stdbool.h>.
 *
 *     blockfactor_device device;
 *     blockfactor_transport transport;        of blockfactor_mmio.h, blockfactor_spi.h, or yours
 *     blockfactor_parameters parameters = BLOCKFACTOR_PARAMETERS_CLEAN;
 *     blockfactor_result result;
 *
 *     blockfactor_open(&device, &transport, limit);
 *     blockfactor_codebook_load(&device, factor, indices, count);      for every factor
 *     blockfactor_parameters_set(&device, &parameters);
 *     blockfactor_query(&device, entries, count);
 *     blockfactor_wait(&device, limit);
 *     blockfactor_result_read(&device, &result);
 *
 * Every call returns a status; what it refuses (ERROR_ARGUMENT .. ERROR_EMPTY) has changed nothing.
 * ERROR_TRANSPORT, ERROR_REFUSED, ERROR_TAG, and ERROR_READ_BACK of parameters or interrupts may
 * have left half of something behind: the next call that needs the device then begins with a reset,
 * which loses the runs in flight but keeps codebooks and parameters. blockfactor_errors_read before
 * it tells what the device noted. A codebook whose loading failed must be loaded again: queries are
 * refused until then.
 *
 * One device is for one thread. In an interrupt handler only blockfactor_irq_acknowledge may be
 * called, and that only if the registers are memory-mapped.
 */
#ifndef BLOCKFACTOR_DRIVER_H
#define BLOCKFACTOR_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockfactor_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    BLOCKFACTOR_OK = 0,
    BLOCKFACTOR_ERROR_ARGUMENT,       /* a null pointer, or a number out of its range */
    BLOCKFACTOR_ERROR_PARAMETERS,     /* parameters that the core cannot run */
    BLOCKFACTOR_ERROR_CODEBOOK,       /* a codebook has fewer codevectors than parameters ask for,
                                         or loading it failed */
    BLOCKFACTOR_ERROR_QUERY,          /* a query that the core cannot take */
    BLOCKFACTOR_ERROR_NO_PARAMETERS,  /* no parameters have been set */
    BLOCKFACTOR_ERROR_NO_QUERY,       /* no query has been written since the reset */
    BLOCKFACTOR_ERROR_FULL,           /* as many runs are in flight as results can wait */
    BLOCKFACTOR_ERROR_EMPTY,          /* no run is in flight */
    BLOCKFACTOR_NOT_READY,            /* the result is not there yet */
    BLOCKFACTOR_ERROR_TRANSPORT,      /* the device cannot be reached */
    BLOCKFACTOR_ERROR_REFUSED,        /* the device refused an access: of this call, or of one
                                         before that did not ask, as result_read */
    BLOCKFACTOR_ERROR_ID,             /* no blockfactor core answers */
    BLOCKFACTOR_ERROR_VERSION,        /* a core with another version of the register map */
    BLOCKFACTOR_ERROR_OTHER_CORE,     /* a core generated with other parameters */
    BLOCKFACTOR_ERROR_TIMEOUT,        /* the device did not become ready within the limit */
    BLOCKFACTOR_ERROR_CRC,            /* codevectors did not arrive as they were sent */
    BLOCKFACTOR_ERROR_READ_BACK,      /* other codevectors, parameters or interrupts are stored than
                                         those expected */
    BLOCKFACTOR_ERROR_TAG             /* the result of another run came: someone else's */
} blockfactor_status;

/* A way to the registers; begin with all of it 0 or NULL. Addresses are in bytes; with `stay` all
 * words go to, or come from, that address, else address, address + 4 and so on. Functions return
 * BLOCKFACTOR_OK, BLOCKFACTOR_ERROR_TRANSPORT, or, if they can tell, BLOCKFACTOR_ERROR_REFUSED. */
typedef struct {
    blockfactor_status (*read)(void *context, uint32_t address, uint32_t *words, size_t count,
                               bool stay);
    blockfactor_status (*write)(void *context, uint32_t address, const uint32_t *words,
                                size_t count, bool stay);
    void *context; /* of both */
    /* Called between two looks at a device that is not ready, if it is not NULL: may sleep. */
    void (*pause)(void *pause_context);
    void *pause_context;
    /* NULL, or a look that costs less than reading a register: PEEK_... as below, as they are after
     * all that was written. With `context`. */
    blockfactor_status (*peek)(void *context, uint32_t *seen);
} blockfactor_transport;

/* What a peek can see; other bits do not matter. */
#define BLOCKFACTOR_PEEK_IRQ UINT32_C(0x01)    /* the interrupt line is high */
#define BLOCKFACTOR_PEEK_RESULT UINT32_C(0x04) /* a result waits */
#define BLOCKFACTOR_PEEK_ERROR UINT32_C(0x10)  /* ERRORS is not 0 */

/* Index within a block, in a codebook. */
#if BLOCKFACTOR_INDEX_LANE == 8
typedef uint8_t blockfactor_index;
#else
typedef uint16_t blockfactor_index;
#endif

#ifdef BLOCKFACTOR_ELEMENT_LANE
/* Element of a dense query. */
#if BLOCKFACTOR_ELEMENT_LANE == 8
typedef uint8_t blockfactor_element;
#else
typedef uint16_t blockfactor_element;
#endif
#endif

/* Entry of a sparse query. */
typedef struct {
    uint8_t block;   /* 0 .. BLOCKS - 1 */
    uint8_t weight;  /* 1 .. MAX_WEIGHT */
    uint16_t index;  /* 0 .. BLOCK_LENGTH - 1 */
} blockfactor_entry;

/* In blockfactor_parameters.known. */
#define BLOCKFACTOR_UNKNOWN (-1)

/* How queries are run; what the core has no use for is not looked at. */
typedef struct {
    uint16_t sizes[BLOCKFACTOR_FACTORS]; /* codevectors in use, 1 .. MAX_CODEVECTORS */
    int16_t known[BLOCKFACTOR_FACTORS];  /* codevector that is known, or BLOCKFACTOR_UNKNOWN */
    uint8_t mode;             /* BLOCKFACTOR_SEARCH_MODE_AUTO, .._FACTORIZE, .._JOIN, .._SCAN */
    uint8_t heads;            /* blocks that join looks codevectors up in, 1 .. 3 */
    uint8_t trim;             /* blocks left out of the minimum, 0 .. BLOCKS - 1 */
    uint8_t use_sum;          /* 1: blocks' similarities are summed; 0: their minimum counts */
    uint8_t patience;         /* iterations without progress before a new draw, 0 .. 15 */
    uint8_t dense_log;        /* 1: elements of dense queries are logits; 0: probabilities */
    uint8_t dense_shift;      /* a weight of 1 is 2**dense_shift units of a logit, 0 .. 15 */
    uint16_t level;           /* accepted when 256 * score >= level * smax, 0 .. 511 */
    uint16_t threshold;       /* in 65536ths of the largest similarity */
    uint16_t samples;         /* codevectors drawn when none is above the threshold */
    uint16_t max_iterations;  /* limit of factorize */
    uint16_t dense_threshold; /* elements below it are not kept */
    uint32_t max_tuples;      /* limit of join and scan */
    uint32_t seed;            /* of the random generator; 0 counts as 1 */
} blockfactor_parameters;

@PARAMETERS@

/* What a run returns. */
typedef struct {
    uint16_t indices[BLOCKFACTOR_FACTORS]; /* codevector of each factor */
    uint8_t tag;         /* number of the run since the reset, modulo 256 */
    uint8_t stop;        /* why it ended: BLOCKFACTOR_RESULT_STOP_ACCEPTED and so on */
    uint8_t errors;      /* the lowest bits of ERRORS when it ended; those are sticky, and can be of
                            an earlier query: blockfactor_errors_clear */
    uint16_t score;      /* of the codevectors found */
    uint16_t smax;       /* largest score possible */
    uint16_t runner_up;  /* best score of any other tuple */
    uint32_t iterations; /* passes over the factors (factorize), tuples (join, scan) */
    uint32_t cycles;     /* of the core clock */
    uint32_t seed;       /* the one used */
    uint32_t crc;        /* CRC-32 of the run's trace */
#ifdef BLOCKFACTOR_RESULT_SIMILARITY0_ADDRESS
    uint32_t similarities[BLOCKFACTOR_FACTORS]; /* of the best codevector; 0: none */
#endif
} blockfactor_result;

/* Words of the run parameters' registers, most there can be. */
#define BLOCKFACTOR_PARAMETER_WORDS 10

/* A device; its members are the driver's own. */
typedef struct {
    blockfactor_transport transport;
    uint32_t limit;
    uint32_t words[BLOCKFACTOR_PARAMETER_WORDS]; /* of parameters */
    uint16_t sizes[BLOCKFACTOR_FACTORS];         /* codevectors loaded; 0: not known */
    uint16_t space;                              /* free places of the queue, at least */
    uint8_t waiting;                             /* results that wait, at least */
    uint8_t pending;                             /* runs in flight */
    uint8_t next_tag;
    uint8_t irq;    /* of INT_ENABLE */
    uint8_t broken; /* a bit for each codebook whose loading was begun and did not succeed */
    bool set;    /* parameters have been set */
    bool loaded; /* a query has been written */
    bool dense;  /* and was dense */
    bool lost;   /* nobody knows what state the device is in */
} blockfactor_device;

/* -- set-up ------------------------------------------------------------------------------------ */

/* Check that the core answers for which this driver was generated, and reset it; codebooks stay.
 * `limit`: how often other calls look at a device that is not ready before they give up. A device
 * that is open already is closed first: its handler must not be called meanwhile. */
blockfactor_status blockfactor_open(blockfactor_device *device,
                                    const blockfactor_transport *transport, uint32_t limit);

/* Forget runs, queries, results and errors; codebooks stay, parameters and interrupts that are
 * enabled are written anew. */
blockfactor_status blockfactor_reset(blockfactor_device *device);

/* Write a codebook as soon as the device is idle, and check with its CRC that it arrived.
 * `indices`: count codevectors of BLOCKS indices each; 1 .. MAX_CODEVECTORS of them. If that fails
 * once it has begun, queries give BLOCKFACTOR_ERROR_CODEBOOK until it has succeeded. */
blockfactor_status blockfactor_codebook_load(blockfactor_device *device, unsigned factor,
                                             const blockfactor_index *indices, size_t count);

/* Read a codebook back as soon as the device is idle, and compare: after ERROR_TRANSPORT or
 * ERROR_TAG, too, if the FPGA may have been configured anew. Codebooks are gone then. */
blockfactor_status blockfactor_codebook_verify(blockfactor_device *device, unsigned factor,
                                               const blockfactor_index *indices, size_t count);

/* Parameters of the queries that follow, as soon as the device is idle; only registers that change
 * are written, and read back. */
blockfactor_status blockfactor_parameters_set(blockfactor_device *device,
                                              const blockfactor_parameters *parameters);

/* -- queries ----------------------------------------------------------------------------------- */

/* Queue a query and a run of it; waits until the device has room. Several can be in flight: as many
 * as there are results that can wait. Entries by ascending block, count of them: 1 .. BLOCKS *
 * QUERY_ENTRIES, QUERY_ENTRIES a block at most, no index twice in a block. */
blockfactor_status blockfactor_query(blockfactor_device *device, const blockfactor_entry *entries,
                                     size_t count);

/* The same for a product vector: the index of the one in each of the BLOCKS blocks, all of weight
 * MAX_WEIGHT. */
blockfactor_status blockfactor_query_clean(blockfactor_device *device,
                                           const blockfactor_index *indices);

#ifdef BLOCKFACTOR_ELEMENT_LANE
/* The same with a dense query: BLOCKS times BLOCK_LENGTH elements, block 0 first; not all 0. It
 * waits until the queue is empty. */
blockfactor_status blockfactor_query_dense(blockfactor_device *device,
                                           const blockfactor_element *elements);
#endif

/* Queue another run of the last query. */
blockfactor_status blockfactor_start(blockfactor_device *device);

/* Runs whose results have not been read. */
unsigned blockfactor_in_flight(const blockfactor_device *device);

/* Wait for the oldest result; looks at the device `limit` times more, at most. */
blockfactor_status blockfactor_wait(blockfactor_device *device, uint32_t limit);

/* Look once whether a result is there: BLOCKFACTOR_OK or BLOCKFACTOR_NOT_READY. */
blockfactor_status blockfactor_result_ready(blockfactor_device *device);

/* The oldest result, which the device then drops; BLOCKFACTOR_NOT_READY if there is none yet. */
blockfactor_status blockfactor_result_read(blockfactor_device *device, blockfactor_result *result);

/* The same with fewer accesses: indices, tag, stop, errors, score, smax and runner-up; the rest is
 * 0. */
blockfactor_status blockfactor_result_read_brief(blockfactor_device *device,
                                                 blockfactor_result *result);

/* Query, wait with a limit, and result in one; BLOCKFACTOR_ERROR_FULL if a run is in flight. After
 * BLOCKFACTOR_ERROR_TIMEOUT this one is: wait for it and read its result, or reset. */
blockfactor_status blockfactor_factorize(blockfactor_device *device,
                                         const blockfactor_entry *entries, size_t count,
                                         blockfactor_result *result, uint32_t limit);

/* End the run that goes on, if one does; its result says so. A query that is still queued, as one
 * is right after blockfactor_query, is not ended. */
blockfactor_status blockfactor_abort(blockfactor_device *device);

/* -- interrupts -------------------------------------------------------------------------------- */

/* Which interrupts raise the line: ones of BLOCKFACTOR_INT_ENABLE_RESULT_MASK, .._IDLE_MASK,
 * .._ERROR_MASK; 0: none. What happened before and was not acknowledged raises it at once. */
blockfactor_status blockfactor_irq_enable(blockfactor_device *device, uint32_t which);

/* Let the line fall, and tell which interrupts it was, as in INT_STATE: looks and clears until none
 * is left, so that the line is low at the end; BLOCKFACTOR_ERROR_TIMEOUT if it never is. Whatever
 * the status, `which` has all that were cleared. The line is a level, to be taken as one.
 * Afterwards read all results that are there: two that came in together are one interrupt. */
blockfactor_status blockfactor_irq_acknowledge(blockfactor_device *device, uint32_t *which);

/* -- errors ------------------------------------------------------------------------------------ */

/* Sticky errors of the device: ones of BLOCKFACTOR_ERRORS_BAD_QUERY_MASK and so on. */
blockfactor_status blockfactor_errors_read(blockfactor_device *device, uint32_t *errors);

/* Clear them. */
blockfactor_status blockfactor_errors_clear(blockfactor_device *device);

/* A status in words. */
const char *blockfactor_error_text(blockfactor_status status);

#ifdef __cplusplus
}
#endif

#endif /* BLOCKFACTOR_DRIVER_H */
