"""A microcontroller in an emulator that counts the instructions of a call."""

from ctypes import sizeof
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _thumb import cost, foreign
from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
    UC_CPU_ARM_CORTEX_M4,
)

__all__ = ["Count", "Machine"]

FLASH, FLASH_SIZE = 0x10000000, 256 << 10
RAM, RAM_SIZE = 0x20000000, 264 << 10
#: Where calls return to: the end of the flash, where no code is.
RETURN = FLASH + FLASH_SIZE - 16
#: Filled into the stack, to see how much of it was used.
UNUSED = 0xA5
STACK_SIZE = 4096
MODELS = {"cortex_m0plus": UC_CPU_ARM_CORTEX_M0, "cortex_m4": UC_CPU_ARM_CORTEX_M4}
ARGUMENTS = (UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3)


class Count(NamedTuple):
    """What a call took; cycles are estimated, see bench/_thumb.py."""

    instructions: int
    cycles: int


class Machine:
    """A program in flash and a structure at the beginning of the RAM.

    Parameters
    ----------
    image : Path
        ELF file.
    cpu : str
        One of _mcu_build.CPUS.

    Attributes
    ----------
    symbols : dict
        Addresses and sizes of functions, by name.
    flash : int
        Bytes of code and constants.
    stack : int
        Most bytes of stack that calls have used.
    returned : int
        What the last call returned.
    """

    def __init__(self, image: Path, cpu: str):
        self.cpu = cpu
        self.emulator = uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(MODELS[cpu])
        uc.mem_map(FLASH, FLASH_SIZE)
        uc.mem_map(RAM, RAM_SIZE)
        with image.open("rb") as file:
            elf = ELFFile(file)
            text = elf.get_section_by_name(".text")
            self.code, self.flash = text.data(), text["sh_size"]
            for segment in elf.iter_segments("PT_LOAD"):
                uc.mem_write(segment["p_vaddr"], segment.data())
            table = elf.get_section_by_name(".symtab")
            self.symbols = {s.name: (s["st_value"] & ~1, s["st_size"]) for s in table.iter_symbols()
                            if s["st_info"]["type"] == "STT_FUNC"}
            marks = sorted((s["st_value"], s.name[1]) for s in table.iter_symbols()
                           if s.name[:2] in ("$t", "$d"))
        #: Stretches that hold instructions, by the linker's marks.
        self.stretches = [(at, end) for (at, kind), (end, _) in
                          zip(marks, [*marks[1:], (FLASH + self.flash, "")]) if kind == "t"]
        self.stack = self.returned = 0
        self.trail: list[int] = []
        append = self.trail.append
        uc.hook_add(UC_HOOK_BLOCK, lambda uc, address, size, data: append(address | size << 32))
        self.costs: dict[int, tuple[int, int, int]] = {}
        uc.mem_write(RAM + RAM_SIZE - STACK_SIZE, bytes([UNUSED]) * STACK_SIZE)

    def foreign(self) -> list[str]:
        """Instructions of the whole image that an ARMv6-M does not have."""
        return [word for at, end in self.stretches for word in
                foreign(self.code[at - FLASH:end - FLASH])]

    def put(self, structure, address: int = RAM) -> None:
        """Copy a structure into RAM."""
        self.emulator.mem_write(address, bytes(structure))

    def get(self, structure, address: int = RAM) -> None:
        """Copy a structure out of RAM."""
        data = bytes(self.emulator.mem_read(address, sizeof(structure)))
        memoryview(structure).cast("B")[:] = data

    def call(self, name: str, *arguments: int) -> Count:
        """Call a function, by default with the structure, and count."""
        uc = self.emulator
        uc.reg_write(UC_ARM_REG_SP, RAM + RAM_SIZE)
        uc.reg_write(UC_ARM_REG_LR, RETURN | 1)
        for register, value in zip(ARGUMENTS, arguments or (RAM,)):
            uc.reg_write(register, value)
        self.trail.clear()
        uc.emu_start(self.symbols[name][0] | 1, RETURN)
        self.returned = uc.reg_read(UC_ARM_REG_R0)
        stack = bytes(uc.mem_read(RAM + RAM_SIZE - STACK_SIZE, STACK_SIZE))
        unused = len(stack) - len(stack.lstrip(bytes([UNUSED])))
        if not unused:
            raise SystemExit(f"{name}: more than {STACK_SIZE} bytes of stack are used")
        self.stack = max(self.stack, STACK_SIZE - unused)
        return self._count()

    def _count(self) -> Count:
        trail = np.array(self.trail, dtype=np.int64)
        blocks, number = np.unique(trail, return_inverse=True)
        for block in blocks.tolist():
            if block not in self.costs:
                at, size = (block & 0xFFFFFFFF) - FLASH, block >> 32
                self.costs[block] = cost(self.code[at:at + size], self.cpu)
        costs = np.array([self.costs[block] for block in blocks.tolist()])
        address, size = trail & 0xFFFFFFFF, trail >> 32
        jumps = np.append(address[1:], RETURN) != address + size
        total = costs[number].sum(axis=0)
        return Count(int(total[0]), int(total[1] + costs[number, 2][jumps].sum()))
