#include "blockfactor_mmio.h"

static blockfactor_status mmio_read(void *context, uint32_t address, uint32_t *words, size_t count,
                                    bool stay) {
    const volatile uint32_t *place = (volatile uint32_t *)context + address / 4;
    while (count--) {
        *words++ = *place;
        if (!stay) place++;
    }
    return BLOCKFACTOR_OK;
}

static blockfactor_status mmio_write(void *context, uint32_t address, const uint32_t *words,
                                     size_t count, bool stay) {
    volatile uint32_t *place = (volatile uint32_t *)context + address / 4;
    while (count--) {
        *place = *words++;
        if (!stay) place++;
    }
    return BLOCKFACTOR_OK;
}

blockfactor_status blockfactor_mmio(blockfactor_transport *transport, volatile uint32_t *base) {
    if (!transport || !base) return BLOCKFACTOR_ERROR_ARGUMENT;
    transport->read = mmio_read;
    transport->write = mmio_write;
    transport->context = (void *)(uintptr_t)base;
    transport->pause = NULL;
    transport->pause_context = NULL;
    transport->peek = NULL; /* STATUS is as near */
    return BLOCKFACTOR_OK;
}
