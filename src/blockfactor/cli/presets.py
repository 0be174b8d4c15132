"""List the presets, or write one as TOML files."""

import argparse
from pathlib import Path

from ..errors import BlockfactorError
from ._common import print_json, print_table

__all__ = ["NAME", "add_arguments", "run"]

NAME = "presets"

KINDS = ("clean", "soft", "damaged")


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "List the presets: configurations of the core, each with parameters to run it with.")
    parser.epilog = """\
examples:
  blockfactor presets --kind soft
  blockfactor presets show tiny
  blockfactor presets show tiny -o my-core     (writes system.toml, clean.toml, soft.toml)"""
    _add_common(parser)
    actions = parser.add_subparsers(metavar="show", dest="action")
    show = actions.add_parser("show", help="print one preset as TOML, or write it to a directory",
                              epilog="example: blockfactor presets show tiny -o my-core")
    show.description = ("Print the configuration (SystemConfig) and the run parameters "
                        "(RunParameters) of a preset as TOML.")
    show.add_argument("name", help="the preset")
    show.add_argument("-o", "--output", metavar="DIR",
                      help="write DIR/system.toml, DIR/clean.toml and DIR/soft.toml instead")
    # No defaults of its own: they would undo what was said before "show".
    _add_common(show, argparse.SUPPRESS, argparse.SUPPRESS)


def _add_common(parser, kind="clean", json=False) -> None:
    parser.add_argument("--kind", choices=KINDS, default=kind, metavar="KIND",
                        help="queries the run parameters are for: clean (default), soft, damaged")
    parser.add_argument("--json", action="store_true", default=json, help="print JSON")


def run(args) -> int:
    """Run the command; returns its exit status."""
    from ..presets import PRESETS, preset
    if args.action == "show":
        return _show(preset(args.name), args)
    if args.json:
        print_json([_row(p, args.kind) for p in PRESETS.values()])
    else:
        _print(list(PRESETS.values()), args.kind)
    return 0


def _row(preset, kind: str) -> dict:
    return {
        "name": preset.name,
        "about": preset.about,
        "dimension": preset.core.dimension,
        "kind": kind,
        "margin": preset.margin,
        "system": preset.system.to_table(),
        "parameters": preset.parameters(kind).to_table(),
    }


def _print(presets: list, kind: str) -> None:
    from rich.table import Table
    table = Table(title=f"presets, run parameters for {kind} queries", title_justify="left")
    columns = ("name", "F", "B", "L", "D", "M max", "K", "s", "weight", "dense", "engines", "M",
               "T", "A", "rule", "level", "patience", "limit")
    for name in columns:
        text = name in ("name", "engines", "rule", "M")
        table.add_column(name, justify="left" if text else "right", no_wrap=True)
    for preset in presets:
        core, run = preset.core, preset.parameters(kind)
        sizes = run.sizes if len(set(run.sizes)) > 1 else run.sizes[:1]
        rule = run.rule + (f" r={run.trim}" if run.trim else "")
        table.add_row(*map(str, (
            preset.name, core.factors, core.blocks, core.block_length, core.dimension,
            core.max_codevectors, core.list_size, core.query_entries, core.weight_bits,
            core.element_bits or "-", ",".join(core.engines), ",".join(map(str, sizes)),
            f"{run.threshold / 65536:.4f}", run.samples, rule, run.level, run.patience,
            run.max_iterations)))
    print_table(table)
    print("F factors, B blocks of L elements (D in all), M codevectors, K list entries, "
          "s query entries a block,\nweight and dense element bits, threshold T, "
          "A codevectors drawn, level of acceptance in 256ths, patience and limit in iterations.\n")
    for preset in presets:
        print(f"{preset.name:8} {preset.about}")


def _show(preset, args) -> int:
    import tomli_w

    from ..tables import write_toml
    if args.output is None:
        row = _row(preset, args.kind)
        if args.json:
            print_json(row)
        else:
            print(f"# {preset.about}")
            print(tomli_w.dumps({"system": row["system"], "parameters": row["parameters"]}),
                  end="")
        return 0
    if args.json:
        raise BlockfactorError("argument --json: not allowed with -o, which writes TOML")
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise BlockfactorError(f"{folder}: is a file, must be a directory")
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("system", preset.system.to_table()),
                        ("clean", preset.clean.to_table()),
                        ("soft", preset.soft.to_table())):
        write_toml(folder / f"{name}.toml", table)
        print(folder / f"{name}.toml")
    return 0
