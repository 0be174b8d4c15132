"""What PeakRDL makes of the registers' SystemRDL: a C header of structures, HTML, IP-XACT.

PeakRDL is not part of blockfactor and runs as a program of its own: the extra ``registers``
installs it.
"""

import re
import subprocess
import sys
import tempfile
import zlib
from importlib.util import find_spec
from pathlib import Path

from ..errors import BlockfactorError
from .rdl import root_name
from .verilog import version

__all__ = ["INSTALL", "PeakrdlError", "html_files", "missing", "peakrdl_files"]

#: How to get what is missing.
INSTALL = "pip install 'blockfactor[registers]'"
#: PeakRDL's command and the module without which it is not there.
EXPORTERS = {"c-header": "peakrdl_cheader", "html": "peakrdl_html", "ip-xact": "peakrdl_ipxact"}


class PeakrdlError(BlockfactorError):
    """PeakRDL is missing or did not do what it was asked for."""


def missing() -> str | None:
    """Why PeakRDL's files cannot be made, and how to change that; None if they can."""
    absent = [module for module in ("peakrdl", *EXPORTERS.values()) if find_spec(module) is None]
    if not absent:
        return None
    return f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed: {INSTALL}"


def peakrdl_files(text: str, name: str) -> dict[str, str]:
    """Files made from SystemRDL, by name.

    Parameters
    ----------
    text : str
        What :func:`blockfactor.generator.rdl.rdl` gives.
    name : str
        Name of the top module.

    Returns
    -------
    dict of str
        ``NAME_structs.h`` (GNU C99) and ``NAME_ipxact.xml`` (IP-XACT 2014).

    Raises
    ------
    PeakrdlError
        It is missing (see :func:`missing`), or it failed; what it said is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        header, ipxact = folder / f"{name}_structs.h", folder / f"{name}_ipxact.xml"
        # Default C needs C11 for its assertions.
        _run(folder, text, name, "c-header", "--std", "gnu99", "-o", header.name)
        _run(folder, text, name, "ip-xact", "--vendor", "blockfactor", "--library", "blockfactor",
             "--name", name, "--version", version("blockfactor"), "-o", ipxact.name)
        return {path.name: path.read_text(encoding="utf-8").rstrip("\n") + "\n"
                for path in (header, ipxact)}


def html_files(text: str, name: str) -> dict[str, bytes]:
    """Pages made from SystemRDL, by path below their folder: more than 1 MB, mostly fonts.

    Parameters and errors are those of :func:`peakrdl_files`; ``index.html`` is the page to open,
    by way of a web server. The same text always gives the same pages.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        _run(folder, text, name, "html", "--title", f"Registers of {name}", "-o", "html")
        root = folder / "html"
        files = {path.relative_to(root).as_posix(): path.read_bytes()
                 for path in sorted(root.rglob("*")) if path.is_file()}
    # PeakRDL puts the time there, for browsers to see that what they have stored is out of date.
    stamp = str(zlib.crc32(text.encode())).encode()
    files["index.html"] = re.sub(rb"(?<=BUILD_TS = )\d+|(?<=\?ts=)\d+", stamp, files["index.html"])
    # Every font comes in five formats, 7 MB; any browser of the last ten years takes this one.
    return {path: content for path, content in files.items()
            if not path.startswith("fonts/") or path.endswith(".woff2")}


def _run(folder: Path, text: str, name: str, command: str, *arguments: str) -> None:
    if problem := missing():
        raise PeakrdlError(problem)
    source = folder / f"{root_name(name)}.rdl"
    source.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "peakrdl", command, source.name, *arguments],
                          cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeakrdlError(f"peakrdl {command} failed with status {done.returncode}: "
                           f"{(done.stdout + done.stderr).strip()[-500:]}")
