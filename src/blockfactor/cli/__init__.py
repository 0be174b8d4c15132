"""The ``blockfactor`` command.

Every module of this package whose name does not start with an underscore is a sub-command. It has

``NAME``
    what the user types,
``add_arguments(parser)``
    which also sets the parser's ``description`` and, with an example, its ``epilog``,
``run(args) -> int``
    which returns the exit status.

A command's module imports nothing but the standard library and :mod:`blockfactor.cli._common` at
its top: whatever is heavy or optional is imported when it runs, so that ``--help`` is quick and
works wherever the package is installed.
"""

import os
import pkgutil
import sys
from importlib import import_module

from ..errors import BlockfactorError
from ._common import Parser, VersionAction, missing_package

__all__ = ["main"]

#: Exit statuses besides 0 and a command's own 1.
USER_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def commands() -> list:
    """Modules of all sub-commands, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return [import_module(f"{__name__}.{name}") for name in names]


def make_parser() -> Parser:
    """Parser of the whole command line."""
    parser = Parser(
        prog="blockfactor",
        description="Hardware that factorizes sparse block codes: generate it, simulate it, "
                    "prepare its codebooks and queries.",
        epilog="example: blockfactor presets")
    parser.add_argument("--version", action=VersionAction)
    subparsers = parser.add_subparsers(metavar="COMMAND", dest="command")
    for module in commands():
        summary = module.__doc__.strip().splitlines()[0].rstrip(".")
        child = subparsers.add_parser(module.NAME, help=summary[0].lower() + summary[1:])
        child.set_defaults(run=module.run)
        module.add_arguments(child)
    return parser


def _report(message: object, status: int = USER_ERROR) -> int:
    line = " ".join(str(message).split())
    print(f"blockfactor: error: {line}", file=sys.stderr)
    return status


def _run(argv) -> int:
    parser = make_parser()
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if args.command is None:
        parser.print_help(sys.stderr)
        return USER_ERROR
    status = args.run(args) or 0
    sys.stdout.flush()  # here, so that a reader who left is noticed below
    return status


def main(argv=None) -> int:
    """Run the command line and return its exit status.

    0 is success, 1 a finding (a difference, a failed check), 2 a wrong argument or file with one
    line on the standard error, 130 an interrupt; an error may bring a status of its own. Only an
    error in this program shows a traceback.
    """
    try:
        return _run(argv)
    except BlockfactorError as problem:
        return _report(problem, problem.status)
    except ModuleNotFoundError as problem:
        message = missing_package(problem.name)
        if message is None:
            raise
        return _report(message)
    except BrokenPipeError:
        # The interpreter flushes once more at exit; give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as problem:
        if problem.filename is None:
            raise
        return _report(f"{problem.filename}: {problem.strerror}")
    except KeyboardInterrupt:
        print("blockfactor: interrupted", file=sys.stderr)
        return INTERRUPTED
