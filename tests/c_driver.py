"""The generated C driver, compiled for the host and called through ctypes.

Transports are Python functions, or the driver's own over a golden model of SPI frames.
"""

import ctypes
import re
import subprocess
from pathlib import Path

from spi_device import SpiDevice

from blockfactor.config import SystemConfig
from blockfactor.drivers.transport import AccessRefused, DeviceError
from blockfactor.generator.driver_files import driver_files
from blockfactor.generator.header import header
from blockfactor.parameters import MODES, RunParameters
from blockfactor.presets import Preset

__all__ = ["WARNINGS", "Driver", "Library", "write_driver"]

#: Of the host's compiler, which must have nothing to say.
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
#: What C leaves undefined ends the program that does it.
SANITIZE = ("-fsanitize=undefined", "-fno-sanitize-recover")

READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32,
                        ctypes.POINTER(ctypes.c_uint32), ctypes.c_size_t, ctypes.c_bool)
PAUSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
TRANSFER = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8),
                            ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)
SELECT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_bool)


class Transport(ctypes.Structure):
    """``NAME_transport``."""

    _fields_ = [("read", READ), ("write", READ), ("context", ctypes.c_void_p), ("pause", PAUSE),
                ("pause_context", ctypes.c_void_p),
                ("peek", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p,
                                          ctypes.POINTER(ctypes.c_uint32)))]


class SpiBus(ctypes.Structure):
    """``NAME_spi_bus``."""

    _fields_ = [("transfer", TRANSFER), ("select", SELECT), ("context", ctypes.c_void_p)]


class Entry(ctypes.Structure):
    """``NAME_entry``."""

    _fields_ = [("block", ctypes.c_uint8), ("weight", ctypes.c_uint8), ("index", ctypes.c_uint16)]


def write_driver(folder: Path, preset: Preset, system: SystemConfig, name: str) -> list[str]:
    """Write driver and register header into a folder; returns the sources' names."""
    found = driver_files(preset, system, name)
    for file, text in (found | {f"{name}_registers.h": header(system, name)}).items():
        (folder / file).write_text(text)
    return [file for file in found if file.endswith(".c")]


class Library:
    """Driver of a system as a shared library.

    Parameters
    ----------
    folder : Path
        Where it is made.
    preset : Preset
    system : SystemConfig
        With the front-end native or spi.
    name : str
    options, more : tuple of str
        Of the compiler; names of further sources.
    """

    def __init__(self, folder: Path, preset: Preset, system: SystemConfig, name: str,
                 options: tuple[str, ...] = (), more: tuple[str, ...] = ()):
        self.system, self.name = system, name
        sources = write_driver(folder, preset, system, name)
        library = folder / f"lib{name}.so"
        sources += more
        for source in sources:  # of several, g++ takes all but the first for C++
            subprocess.run(["g++", "-x", "c", "-std=c99", *WARNINGS, *SANITIZE, "-O1", "-fPIC",
                            *options, "-c", source], cwd=folder, check=True, timeout=120)
        subprocess.run(["g++", "-shared", *SANITIZE, "-o", library,
                        *(f"{s[:-2]}.o" for s in sources)],
                       cwd=folder, check=True, timeout=120)
        self.c = ctypes.CDLL(str(library))
        text = (folder / f"{name}_driver.h").read_text()
        body = re.search(r"typedef enum \{(.*?)\}", text, re.S)[1]
        names = re.findall(rf"^ +{name.upper()}_(\w+)", body, re.M)
        #: Names of the statuses, by value.
        self.statuses = names
        core = system.core
        factors = core.factors
        self.index = ctypes.c_uint8 if system.index_lane == 8 else ctypes.c_uint16
        self.element = ctypes.c_uint8 if system.element_lane == 8 else ctypes.c_uint16
        byte, half, word = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32

        class Parameters(ctypes.Structure):
            _fields_ = [("sizes", half * factors), ("known", ctypes.c_int16 * factors),
                        *((n, byte) for n in ("mode", "heads", "trim", "use_sum", "patience",
                                              "dense_log", "dense_shift")),
                        *((n, half) for n in ("level", "threshold", "samples", "max_iterations",
                                              "dense_threshold")),
                        ("max_tuples", word), ("seed", word)]

        class Result(ctypes.Structure):
            _fields_ = [("indices", half * factors), ("tag", byte), ("stop", byte),
                        ("errors", byte), ("score", half), ("smax", half), ("runner_up", half),
                        *((n, word) for n in ("iterations", "cycles", "seed", "crc")),
                        *([("similarities", word * factors)] * ("factorize" in core.engines))]

        self.Parameters, self.Result = Parameters, Result
        self.error_text = self.call("error_text")
        self.error_text.restype = ctypes.c_char_p

    def call(self, function: str):
        """The function of that name, without the core's."""
        return getattr(self.c, f"{self.name}_{function}")

    def parameters(self, p: RunParameters):
        """A ``NAME_parameters``."""
        factors = self.system.core.factors
        return self.Parameters(
            (ctypes.c_uint16 * factors)(*p.sizes), (ctypes.c_int16 * factors)(*p.known),
            MODES.index(p.mode), p.heads, p.trim, int(p.rule == "sum"), p.patience,
            int(p.dense_weights == "log"), p.dense_shift, p.level, p.threshold, p.samples,
            p.max_iterations, p.dense_threshold, p.max_tuples, p.seed)


class Driver:
    """A device of the C driver; calls return the names of statuses.

    Parameters
    ----------
    library : Library
    way : Transport of Python, SpiDevice or None
        An SpiDevice is reached through the driver's transport for SPI.
    tells : bool
        Whether the transport says that an access was refused.
    """

    def __init__(self, library: Library, way, tells: bool = True):
        self.library, self.way, self.tells = library, way, tells
        self.transport = Transport()
        self.device = ctypes.create_string_buffer(1024)  # more than it needs
        self.pauses = 0
        self.selected = []
        if isinstance(way, SpiDevice):
            self.bus = SpiBus(TRANSFER(self._transfer), SELECT(self._select))
            assert library.call("spi")(ctypes.byref(self.transport), ctypes.byref(self.bus)) == 0
        else:
            self.transport.read, self.transport.write = READ(self._read), READ(self._write)
        self.transport.pause = PAUSE(self._pause)

    # -- calls ------------------------------------------------------------------------------------

    def call(self, function: str, *arguments) -> str:
        """Call a function with the device as its first argument."""
        return self.library.statuses[self.library.call(function)(self.device, *arguments)]

    def open(self, limit: int = 5) -> str:
        return self.call("open", ctypes.byref(self.transport), ctypes.c_uint32(limit))

    def codebook(self, function: str, factor: int, indices) -> str:
        """``load`` or ``verify`` a codebook [M, B]."""
        flat = [int(i) for row in indices for i in row]
        return self.call(f"codebook_{function}", ctypes.c_uint(factor),
                         (self.library.index * len(flat))(*flat), ctypes.c_size_t(len(indices)))

    def load(self, codebooks) -> None:
        for factor, indices in enumerate(codebooks.indices):
            assert self.codebook("load", factor, indices) == "OK"

    def set(self, parameters) -> str:
        if isinstance(parameters, RunParameters):
            parameters = self.library.parameters(parameters)
        return self.call("parameters_set", ctypes.byref(parameters))

    def query(self, query) -> str:
        """A golden Query, or a list of (block, index, weight)."""
        if not isinstance(query, list):
            query = [(b, i, w) for b, block in enumerate(query.entries) for i, w in block]
        entries = (Entry * max(1, len(query)))(*(Entry(b, w, i) for b, i, w in query))
        return self.call("query", entries, ctypes.c_size_t(len(query)))

    def dense(self, elements) -> str:
        """Elements [B, L]."""
        flat = [int(e) for row in elements for e in row]
        return self.call("query_dense", (self.library.element * len(flat))(*flat))

    def wait(self, limit: int = 5) -> str:
        return self.call("wait", ctypes.c_uint32(limit))

    def result(self, brief: str = ""):
        """Status and result."""
        result = self.library.Result()
        return self.call("result_read" + brief, ctypes.byref(result)), result

    def clean(self, indices) -> str:
        """The index of the one in each block."""
        return self.call("query_clean", (self.library.index * len(indices))(*indices))

    def errors(self) -> tuple[str, int]:
        word = ctypes.c_uint32()
        return self.call("errors_read", ctypes.byref(word)), word.value

    def acknowledge(self) -> tuple[str, int]:
        word = ctypes.c_uint32()
        return self.call("irq_acknowledge", ctypes.byref(word)), word.value

    @property
    def in_flight(self) -> int:
        return self.library.call("in_flight")(self.device)

    # -- what it calls back -----------------------------------------------------------------------

    def _status(self, access) -> int:
        try:
            access()
        except AccessRefused:
            return self.library.statuses.index("ERROR_REFUSED") if self.tells else 0
        except DeviceError:
            return self.library.statuses.index("ERROR_TRANSPORT")
        return 0

    def _read(self, context, address, words, count, stay) -> int:
        def access():
            for n in range(count):  # what is refused reads 0
                words[n] = 0
            for n in range(count):
                words[n], = self.way.read(address + 4 * n * (not stay))
        return self._status(access)

    def _write(self, context, address, words, count, stay) -> int:
        return self._status(lambda: self.way.write(address, words[:count], stay))

    def _pause(self, context) -> None:
        self.pauses += 1
        if isinstance(self.way, SpiDevice):
            self.way.settle()
        else:
            self.way.wait(0)

    def _transfer(self, context, sent, received, count) -> bool:
        assert self.selected[-1:] == [True]
        try:
            answer = self.way.exchange(bytes(sent[:count]))
        except DeviceError:
            return False
        for n, byte in enumerate(answer):
            received[n] = byte
        return True

    def _select(self, context, selected) -> None:
        assert selected != bool(self.selected and self.selected[-1])
        self.selected.append(selected)
