"""Make, check and convert codebooks."""

from ..errors import CodebookError
from ._common import integer, integers, output_file, print_json

__all__ = ["NAME", "add_arguments", "run"]

NAME = "codebook"

#: Findings that ``check`` prints.
SHOWN = 10

FORMATS = "file.npz, file.h (C arrays) or file.hex (memory image)"


def add_arguments(parser) -> None:
    """Add this command's arguments to ``parser``."""
    parser.description = (
        "Make, check and convert codebooks. The suffix of a file tells its format: .npz, "
        ".h .c .inc (C arrays), .hex .mem (memory image for $readmemh).")
    parser.epilog = """\
examples:
  blockfactor codebook make --preset demo --seed 7 -o book.npz
  blockfactor codebook check book.npz --preset demo
  blockfactor codebook convert book.npz book.h"""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)

    make = actions.add_parser(
        "make", help="random codebooks from a seed",
        epilog="example: blockfactor codebook make --sizes 22,22,22 --blocks 4 "
               "--block-length 128 --seed 7 -o book.npz")
    make.description = "Make codebooks with random indices; a seed always gives the same ones."
    _add_shape(make, "shape of the codebooks (its cores' largest and its run's sizes)")
    make.add_argument("--seed", type=integer(0, 2**64 - 1), default=1, help="default 1")
    make.add_argument("-o", "--output", required=True, metavar="FILE", help=FORMATS)
    make.add_argument("--name", default="codebook", help="C identifier, for C arrays")
    make.set_defaults(action_run=_make)

    check = actions.add_parser(
        "check", help="check shapes, look for repeated codevectors, compare with a preset",
        epilog="example: blockfactor codebook check book.npz --preset demo")
    check.description = ("Check a file of codebooks. Exit status 1 where a codevector repeats or "
                         "the preset's core cannot hold them, 2 where the file is wrong.")
    check.add_argument("file", help=FORMATS)
    check.add_argument("--json", action="store_true", help="print JSON")
    _add_shape(check, "core that has to hold them; shape of a memory image that does not state it")
    check.set_defaults(action_run=_check)

    convert = actions.add_parser(
        "convert", help="turn one format into another",
        epilog="example: blockfactor codebook convert book.npz book.hex --preset demo")
    convert.description = "Read codebooks in one format and write them in another."
    convert.add_argument("input", help=FORMATS)
    convert.add_argument("output", help=FORMATS)
    convert.add_argument("--name", default="codebook", help="C identifier, for C arrays")
    _add_shape(convert, "core whose memory the image is for; shape of one that does not state it")
    convert.set_defaults(action_run=_convert)


def _add_shape(parser, preset_help: str) -> None:
    parser.add_argument("--preset", metavar="P", help=preset_help)
    parser.add_argument("--sizes", type=integers, metavar="M,M,...", help="codevectors per factor")
    parser.add_argument("--blocks", type=integer(1, 1 << 16), metavar="B")
    parser.add_argument("--block-length", type=integer(1, 1 << 16), metavar="L")
    parser.add_argument("--max-codevectors", type=integer(1, 1 << 24), metavar="M",
                        help="lines per factor of a memory image, rounded up to a power of two")


def run(args) -> int:
    """Run the command; returns its exit status."""
    return args.action_run(args)


def _core(args):
    """Configuration of the core named by ``--preset``, or None."""
    if args.preset is None:
        return None
    from ..presets import preset
    return preset(args.preset).core


def _shape(args) -> tuple:
    """Sizes, blocks and block length; what is said outright comes before the preset's."""
    sizes, blocks, length = args.sizes, args.blocks, args.block_length
    if args.preset is not None:
        from ..presets import preset
        chosen = preset(args.preset)
        sizes = sizes or chosen.clean.sizes
        blocks = blocks or chosen.core.blocks
        length = length or chosen.core.block_length
    return sizes, blocks, length


def _codevector_bits(args) -> int | None:
    from ..config import CoreConfig
    if args.max_codevectors is not None:
        return CoreConfig.index_bits_of(args.max_codevectors)
    core = _core(args)
    return core.codevector_bits if core else None


def _read(path, args):
    """Read codebooks; a memory image without a stated shape takes it from the arguments."""
    from ..codebook_files import HEADER, HEX_SUFFIXES, Layout, read_codebooks
    from ..config import CoreConfig
    shape = _shape(args)
    if not path.lower().endswith(HEX_SUFFIXES) or None in shape:
        return read_codebooks(path)
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            if HEADER.search(stream.read()):
                return read_codebooks(path)
    except OSError:
        return read_codebooks(path)  # has the message
    bits = _codevector_bits(args)
    if bits is None:
        bits = CoreConfig.index_bits_of(max(shape[0]))
    return read_codebooks(path, Layout(*shape, bits))


def _make(args) -> int:
    from ..codebook_files import write_codebooks
    from ..golden.codebook import Codebooks
    shape = _shape(args)
    missing = [name for name, value in zip(("--sizes", "--blocks", "--block-length"), shape)
               if value is None]
    if missing:
        raise CodebookError(f"{', '.join(missing)} not given: give --preset, or --sizes, --blocks "
                            f"and --block-length")
    path = output_file(args.output)
    codebooks = Codebooks.random(*shape, args.seed)
    write_codebooks(path, codebooks, name=args.name, codevector_bits=_codevector_bits(args))
    print(f"{path}: {_summary(codebooks)}, seed {args.seed}")
    return 0


def _summary(codebooks) -> str:
    return (f"{codebooks.factors} codebooks of {', '.join(map(str, codebooks.sizes))} codevectors, "
            f"{codebooks.blocks} blocks of {codebooks.block_length}")


def _check(args) -> int:
    from ..codebook_files import misfits
    codebooks = _read(args.file, args)
    repeated = codebooks.duplicates()
    problems = [f"codebook {f}, codevector {m} repeats codevector {first}"
                for f, m, first in repeated]
    core = _core(args)
    if core is not None:
        problems += misfits(codebooks, core)
    if args.json:
        print_json({"file": args.file, "ok": not problems, "factors": codebooks.factors,
                    "sizes": codebooks.sizes, "blocks": codebooks.blocks,
                    "block_length": codebooks.block_length, "problems": problems})
    else:
        print(f"{args.file}: {_summary(codebooks)}")
        for problem in problems[:SHOWN]:
            print(f"{args.file}: {problem}")
        if len(problems) > SHOWN:
            print(f"{args.file}: and {len(problems) - SHOWN} more (--json lists all)")
        print("not ok" if problems else "ok")
    return 1 if problems else 0


def _convert(args) -> int:
    from ..codebook_files import misfits, write_codebooks
    path = output_file(args.output)
    codebooks = _read(args.input, args)
    core = _core(args)
    for problem in misfits(codebooks, core) if core else ():
        raise CodebookError(f"{args.input}: {problem} (preset {args.preset})")
    write_codebooks(path, codebooks, name=args.name, codevector_bits=_codevector_bits(args))
    print(f"{path}: {_summary(codebooks)}")
    return 0
