#include "blockfactor_spi.h"

enum {
    WRITE = 0x02,
    READ = 0x03,
    STAY = 0x08,       /* all words at the same address */
    MARK = 0xA0,       /* the highest three bits of a status byte */
    MARK_BITS = 0xE0,
    HEAD = 2,          /* bytes: command, word address */
    WRITTEN = 4,       /* bytes of a word that is written */
    TAKEN = 5          /* of one that is read, with the turnaround byte before it */
};

/* Whether all status bytes of a frame are such: those of the head, the turnaround bytes of a read,
 * and every byte of a write. */
static bool marked(const uint8_t *in, size_t count, bool reads) {
    const size_t step = reads ? TAKEN : 1;
    unsigned wrong = (in[0] ^ MARK) | (in[1] ^ MARK);
    size_t n;
    for (n = HEAD; n < count; n += step) wrong |= in[n] ^ MARK;
    return !(wrong & MARK_BITS);
}

/* One frame: `out` is sent, `in` received. */
static bool frame(const blockfactor_spi_bus *bus, const uint8_t *out, uint8_t *in, size_t count,
                  bool reads) {
    bool done;
    bus->select(bus->context, true);
    done = bus->transfer(bus->context, out, in, count);
    bus->select(bus->context, false);
    return done && marked(in, count, reads);
}

static blockfactor_status spi_read(void *context, uint32_t address, uint32_t *words, size_t count,
                                   bool stay) {
    uint8_t out[HEAD + TAKEN * BLOCKFACTOR_SPI_BURST], in[sizeof out];
    while (count) {
        size_t part = count < BLOCKFACTOR_SPI_BURST ? count : BLOCKFACTOR_SPI_BURST, n;
        const uint8_t *byte = in + HEAD;
        for (n = 0; n < HEAD + TAKEN * part; n++) out[n] = 0;
        out[0] = (uint8_t)(stay ? READ | STAY : READ);
        out[1] = (uint8_t)(address / 4);
        if (!frame((const blockfactor_spi_bus *)context, out, in, HEAD + TAKEN * part, true))
            return BLOCKFACTOR_ERROR_TRANSPORT;
        for (n = 0; n < part; n++, byte += TAKEN)
            *words++ = (uint32_t)byte[1] | (uint32_t)byte[2] << 8 | (uint32_t)byte[3] << 16
                       | (uint32_t)byte[4] << 24;
        count -= part;
        if (!stay) address += 4 * (uint32_t)part;
    }
    return BLOCKFACTOR_OK;
}

static blockfactor_status spi_write(void *context, uint32_t address, const uint32_t *words,
                                    size_t count, bool stay) {
    uint8_t out[HEAD + WRITTEN * BLOCKFACTOR_SPI_BURST], in[sizeof out];
    while (count) {
        size_t part = count < BLOCKFACTOR_SPI_BURST ? count : BLOCKFACTOR_SPI_BURST, n;
        uint8_t *byte = out;
        *byte++ = (uint8_t)(stay ? WRITE | STAY : WRITE);
        *byte++ = (uint8_t)(address / 4);
        for (n = 0; n < part; n++, words++) {
            *byte++ = (uint8_t)*words;
            *byte++ = (uint8_t)(*words >> 8);
            *byte++ = (uint8_t)(*words >> 16);
            *byte++ = (uint8_t)(*words >> 24);
        }
        if (!frame((const blockfactor_spi_bus *)context, out, in, HEAD + WRITTEN * part, false))
            return BLOCKFACTOR_ERROR_TRANSPORT;
        count -= part;
        if (!stay) address += 4 * (uint32_t)part;
    }
    return BLOCKFACTOR_OK;
}

/* Two bytes that are no command. The first one's status is of the moment when CS fell, when a write
 * of the frame before may still be on its way; the second one's is of after it. */
static blockfactor_status spi_peek(void *context, uint32_t *seen) {
    const uint8_t out[HEAD] = {0, 0};
    uint8_t in[HEAD];
    if (!frame((const blockfactor_spi_bus *)context, out, in, HEAD, false))
        return BLOCKFACTOR_ERROR_TRANSPORT;
    *seen = in[1];
    return BLOCKFACTOR_OK;
}

blockfactor_status blockfactor_spi(blockfactor_transport *transport,
                                   const blockfactor_spi_bus *bus) {
    if (!transport || !bus || !bus->transfer || !bus->select) return BLOCKFACTOR_ERROR_ARGUMENT;
    transport->read = spi_read;
    transport->write = spi_write;
    transport->context = (void *)(uintptr_t)bus;
    transport->pause = NULL;
    transport->pause_context = NULL;
    transport->peek = spi_peek;
    return BLOCKFACTOR_OK;
}
