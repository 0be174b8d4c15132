/* Runs the job that the host has put into RAM, and sends its results through the serial port.
 *
 * While the core works, the processor sleeps; the core's interrupt wakes it.
 */
#include "board.h"
#include "blockfactor_driver.h"
#include "job.h"
#include "picorv32.h"

/* Looks at a device that is not ready before the driver gives up. */
#define LIMIT 100000

/* What main returns, or a status of the driver. */
enum { DONE = 0, NO_JOB = 100 };

static blockfactor_device device;
static volatile uint32_t raised; /* an interrupt has come and was not dealt with */
static volatile uint32_t interrupts, asleep; /* how many came, and cycles */

/* -- report ------------------------------------------------------------------------------------ */

static void put_text(const char *text) {
    while (*text) put(*text++);
}

/* A space and a number, hexadecimal. */
static void put_number(uint32_t number) {
    char digits[8];
    int count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number & 15];
        number >>= 4;
    } while (number);
    put(' ');
    while (count) put(digits[--count]);
}

/* What was measured of the processor. */
typedef struct {
    uint32_t cycles, asleep, instructions;
} figures;

static figures now(void) {
    figures f = {cycles_now(), asleep, instructions_now()};
    return f;
}

static void put_result(uint32_t phase, uint32_t query, const blockfactor_result *result,
                       const figures *begin, const figures *end) {
    put('R');
    put_number(phase), put_number(query);
    put_number(end->cycles - begin->cycles), put_number(end->asleep - begin->asleep);
    put_number(end->instructions - begin->instructions);
    put_number(result->tag), put_number(result->stop), put_number(result->errors);
    for (int f = 0; f < BLOCKFACTOR_FACTORS; f++) put_number(result->indices[f]);
    put_number(result->score), put_number(result->smax), put_number(result->runner_up);
    put_number(result->iterations), put_number(result->cycles), put_number(result->seed);
    put_number(result->crc);
#ifdef BLOCKFACTOR_RESULT_SIMILARITY0_ADDRESS
    for (int f = 0; f < BLOCKFACTOR_FACTORS; f++) put_number(result->similarities[f]);
#endif
    put('\n');
}

/* -- interrupts -------------------------------------------------------------------------------- */

/* Called by start.S. The core's line is a level: it stays up until it is acknowledged, which over SPI
 * is no work for a handler. So it is masked here and acknowledged by whoever waits for it. */
void interrupt(uint32_t which) {
    if (which & DEVICE_IRQ) {
        irq_mask(UINT32_MAX);
        raised = 1;
        interrupts++;
    }
}

/* Sleep until the core's interrupt comes, and let its line fall. */
static blockfactor_status sleep_until_interrupt(void) {
    uint32_t which;
    for (;;) {
        /* Masked: otherwise it could come between the look and the sleep, which nothing would end
         * then. Masked ones end it as well. */
        irq_mask(UINT32_MAX);
        if (raised) break;
        uint32_t begin = cycles_now();
        irq_wait();
        asleep += cycles_now() - begin;
        irq_mask(~DEVICE_IRQ); /* here the handler is called */
    }
    raised = 0;
    blockfactor_status status = blockfactor_irq_acknowledge(&device, &which);
    irq_mask(~DEVICE_IRQ);
    return status;
}

/* -- the job ----------------------------------------------------------------------------------- */

static blockfactor_status load_codebooks(const uint32_t *job) {
    const blockfactor_index *indices = JOB_AT(job, job[JOB_CODEBOOKS]);
    blockfactor_status status = BLOCKFACTOR_OK;
    for (unsigned f = 0; f < BLOCKFACTOR_FACTORS && !status; f++) {
        size_t count = job[JOB_SIZES + f];
        status = blockfactor_codebook_load(&device, f, indices, count);
        if (!status) status = blockfactor_codebook_verify(&device, f, indices, count);
        indices += count * BLOCKFACTOR_BLOCKS;
    }
    return status;
}

static blockfactor_status set_parameters(const uint32_t *words) {
    blockfactor_parameters p;
    for (int f = 0; f < BLOCKFACTOR_FACTORS; f++) p.sizes[f] = (uint16_t)*words++;
    for (int f = 0; f < BLOCKFACTOR_FACTORS; f++) p.known[f] = (int16_t)*words++;
    p.mode = (uint8_t)words[P_MODE];
    p.heads = (uint8_t)words[P_HEADS];
    p.trim = (uint8_t)words[P_TRIM];
    p.use_sum = (uint8_t)words[P_USE_SUM];
    p.patience = (uint8_t)words[P_PATIENCE];
    p.dense_log = (uint8_t)words[P_DENSE_LOG];
    p.dense_shift = (uint8_t)words[P_DENSE_SHIFT];
    p.level = (uint16_t)words[P_LEVEL];
    p.threshold = (uint16_t)words[P_THRESHOLD];
    p.samples = (uint16_t)words[P_SAMPLES];
    p.max_iterations = (uint16_t)words[P_MAX_ITERATIONS];
    p.dense_threshold = (uint16_t)words[P_DENSE_THRESHOLD];
    p.max_tuples = words[P_MAX_TUPLES];
    p.seed = words[P_SEED];
    return blockfactor_parameters_set(&device, &p);
}

/* Queue the query at *next, and go on to the one after it. */
static blockfactor_status send(uint32_t kind, const uint32_t **next) {
#ifdef BLOCKFACTOR_ELEMENT_LANE
    if (kind == KIND_DENSE) {
        const blockfactor_element *elements = (const void *)*next;
        *next += (sizeof *elements * BLOCKFACTOR_BLOCKS * BLOCKFACTOR_BLOCK_LENGTH + 3) / 4;
        return blockfactor_query_dense(&device, elements);
    }
#endif
    if (kind != KIND_SPARSE) return BLOCKFACTOR_ERROR_ARGUMENT;
    uint32_t count = *(*next)++;
    const blockfactor_entry *entries = (const void *)*next;
    *next += count;
    return blockfactor_query(&device, entries, count);
}

/* Send queries, so many at a time, sleep until their results are there, and report them. */
static blockfactor_status run(uint32_t number, const uint32_t *job, const uint32_t *phase) {
    static blockfactor_result results[MOST_IN_FLIGHT];
    const uint32_t *next = JOB_AT(job, phase[PHASE_QUERIES]);
    uint32_t depth = phase[PHASE_DEPTH];
    if (depth < 1 || depth > MOST_IN_FLIGHT) return BLOCKFACTOR_ERROR_ARGUMENT;
    blockfactor_status status = set_parameters(phase + PHASE_PARAMETERS);
    for (uint32_t done = 0; done < phase[PHASE_COUNT] && !status; done += depth) {
        uint32_t came = 0;
        if (depth > phase[PHASE_COUNT] - done) depth = phase[PHASE_COUNT] - done;
        figures begin = now();
        for (uint32_t n = 0; n < depth && !status; n++) status = send(phase[PHASE_KIND], &next);
        while (came < depth && !status) {
            status = sleep_until_interrupt();
            /* Several results that came in together are one interrupt. */
            while (came < depth && !status) {
                status = blockfactor_result_read(&device, &results[came]);
                if (!status) came++;
            }
            if (status == BLOCKFACTOR_NOT_READY) status = BLOCKFACTOR_OK;
        }
        figures end = now();
        for (uint32_t n = 0; n < came; n++)
            put_result(number, done + n, &results[n], &begin, &end);
    }
    return status;
}

static blockfactor_status run_all(const uint32_t *job) {
    blockfactor_transport transport;
    uint32_t errors = 0;
    blockfactor_status status = board_transport(&transport);
    if (!status) status = blockfactor_open(&device, &transport, LIMIT);
    if (!status) status = load_codebooks(job);
    if (!status)
        status = blockfactor_irq_enable(&device, BLOCKFACTOR_INT_ENABLE_RESULT_MASK |
                                                     BLOCKFACTOR_INT_ENABLE_ERROR_MASK);
    irq_mask(~DEVICE_IRQ);
    for (uint32_t n = 0; n < job[JOB_PHASES] && !status; n++)
        status = run(n, job, &job[JOB_FIRST_PHASE + n * PHASE_WORDS]);
    if (!status) status = blockfactor_errors_read(&device, &errors);
    put('E');
    put_number(errors), put_number(interrupts);
    put('\n');
    return status;
}

int main(void) {
    if (JOB[JOB_MAGIC] != JOB_MAGIC_WORD) {
        put_text("no job\n");
        return NO_JOB;
    }
    blockfactor_status status = run_all(JOB);
    if (status) {
        put_text("failed: ");
        put_text(blockfactor_error_text(status));
        put('\n');
    }
    return (int)status;
}
