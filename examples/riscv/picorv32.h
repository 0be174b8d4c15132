/* Instructions of PicoRV32 for interrupts, which come in 32 lines. A standard RISC-V core has mie, mip
 * and wfi instead: irq_mask and irq_wait are all that main.c uses. */
#ifndef PICORV32_H
#define PICORV32_H

#include <stdint.h>

/* maskirq: interrupts whose bit is set do not come; returns what was masked before. */
static inline uint32_t irq_mask(uint32_t mask) {
    uint32_t before;
    __asm__ volatile(".insn r 0x0b, 0, 3, %0, %1, x0" : "=r"(before) : "r"(mask) : "memory");
    return before;
}

/* waitirq: sleeps until an interrupt waits, masked or not, and says which. */
static inline uint32_t irq_wait(void) {
    uint32_t which;
    __asm__ volatile(".insn r 0x0b, 0, 4, %0, x0, x0" : "=r"(which) : : "memory");
    return which;
}

static inline uint32_t cycles_now(void) {
    uint32_t value;
    __asm__ volatile("rdcycle %0" : "=r"(value));
    return value;
}

static inline uint32_t instructions_now(void) {
    uint32_t value;
    __asm__ volatile("rdinstret %0" : "=r"(value));
    return value;
}

#endif
