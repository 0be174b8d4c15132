/* A first factorization with an RP2040: docs/rp2040.md. */
#include <stdio.h>

#include "pico/stdlib.h"
#include "hardware/spi.h"
#include "decoder_spi.h"

enum { PIN_CIPO = 16, PIN_CS = 17, PIN_SCK = 18, PIN_COPI = 19 };
enum { SIZE = 4, LIMIT = 10000 }; /* codevectors a codebook; looks at the device */

static const decoder_index codebooks[DECODER_FACTORS][SIZE][DECODER_BLOCKS] = {
    {{60, 65, 96, 121}, {4, 18, 105, 121}, {31, 39, 111, 54}, {34, 105, 32, 52}},
    {{82, 70, 10, 3}, {110, 96, 107, 68}, {104, 42, 57, 100}, {15, 38, 15, 58}},
    {{125, 17, 49, 51}, {115, 26, 64, 33}, {2, 96, 7, 35}, {63, 62, 14, 125}},
};
/* Block, weight, and index of the one in each block of the product vector. */
static const decoder_entry query[DECODER_BLOCKS] = {
    {0, 1, 46}, {1, 1, 32}, {2, 1, 96}, {3, 1, 33},
};

static bool transfer(void *context, const uint8_t *out, uint8_t *in, size_t count) {
    return spi_write_read_blocking((spi_inst_t *)context, out, in, count) == (int)count;
}

static void select_core(void *context, bool selected) {
    (void)context;
    gpio_put(PIN_CS, !selected);
    if (!selected) sleep_us(1); /* four cycles of the core clock, at least */
}

static void look_again(void *context) {
    (void)context;
    sleep_us(10);
}

static decoder_status factorize(const decoder_spi_bus *bus, decoder_result *result) {
    decoder_parameters parameters = DECODER_PARAMETERS_CLEAN;
    decoder_transport transport;
    decoder_device device;
    decoder_status status = decoder_spi(&transport, bus);
    transport.pause = look_again;
    if (!status) status = decoder_open(&device, &transport, LIMIT);
    for (unsigned f = 0; f < DECODER_FACTORS; f++) {
        if (!status) status = decoder_codebook_load(&device, f, codebooks[f][0], SIZE);
        parameters.sizes[f] = SIZE;
    }
    if (!status) status = decoder_parameters_set(&device, &parameters);
    if (!status) status = decoder_query(&device, query, DECODER_BLOCKS);
    if (!status) status = decoder_wait(&device, LIMIT);
    if (!status) status = decoder_result_read(&device, result);
    return status;
}

int main(void) {
    stdio_init_all();
    spi_init(spi0, 2000000); /* 8 bits, mode 0 */
    gpio_set_function(PIN_CIPO, GPIO_FUNC_SPI);
    gpio_set_function(PIN_SCK, GPIO_FUNC_SPI);
    gpio_set_function(PIN_COPI, GPIO_FUNC_SPI);
    gpio_init(PIN_CS);
    gpio_put(PIN_CS, 1);
    gpio_set_dir(PIN_CS, GPIO_OUT);
    sleep_ms(2000); /* for the terminal to open */

    const decoder_spi_bus bus = {transfer, select_core, spi0};
    decoder_result result;
    decoder_status status = factorize(&bus, &result);
    if (status) {
        printf("%s\n", decoder_error_text(status));
        return 1;
    }
    printf("found %u, %u, %u: score %u of %u, stop %u\n", result.indices[0], result.indices[1],
           result.indices[2], result.score, result.smax, result.stop);
    return 0;
}
