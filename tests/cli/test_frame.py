"""The frame of the command line: help, version, errors, interrupts, missing packages."""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from blockfactor import cli
from blockfactor.cli import _common
from blockfactor.errors import BlockfactorError

ROOT = Path(__file__).parents[2]

#: Modules too slow to load for ``--help``.
HEAVY = {"numpy", "amaranth", "rich", "numba", "cocotb", "matplotlib", "importlib.metadata"}


def all_parsers(parser=None, path=()):
    """Every parser of the command line with the words that lead to it."""
    parser = parser or cli.make_parser()
    yield path, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from all_parsers(child, (*path, name))


def python(code: str, *arguments, **options) -> subprocess.CompletedProcess:
    """Run Python code in another process."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True,
                          timeout=60, **options)


@pytest.mark.parametrize("path", [path for path, _ in all_parsers()], ids=" ".join)
def test_help_has_an_example(path, command):
    done = command(*path, "--help")
    assert (done.status, done.err) == (0, "")
    assert re.search(r"^examples?:\n?\s* blockfactor" if path else "^example:", done.out, re.M)
    assert " ".join(("blockfactor", *path)) in done.out


@pytest.mark.parametrize("path", [path for path, _ in all_parsers()], ids=" ".join)
def test_every_option_that_takes_a_file_or_a_choice_is_explained(path):
    parser = dict(all_parsers())[path]
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help or action.dest in ("blocks", "block_length"), action.dest


def test_commands_follow_the_rules():
    modules = cli.commands()
    assert {m.NAME for m in modules} >= {"presets", "codebook", "encode", "doctor"}
    for module in modules:
        assert set(module.__all__) == {"NAME", "add_arguments", "run"}, module.__name__


def test_version(command):
    done = command("--version")
    assert (done.status, done.out) == (0, f"blockfactor {metadata.version('blockfactor')}\n")
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] in done.out


def test_no_command_shows_the_help(command):
    done = command()
    assert done.status == 2
    assert done.out == ""
    assert "positional arguments" in done.err


def test_help_loads_nothing_heavy():
    done = python("import sys\nfrom blockfactor.cli import main\n"
                  "try: main(['--help'])\n"
                  "except SystemExit: print('modules:', *sys.modules)")
    loaded = done.stdout.split("modules:")[1].split()
    assert "blockfactor.cli.encode" in loaded
    assert not HEAVY & set(loaded)


BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {blocked}:
            raise ModuleNotFoundError('No module named ' + repr(name), name=name)
sys.meta_path.insert(0, Blocker())
from blockfactor.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("line", [
    "presets", "presets show tiny", "codebook make --preset demo -o book.npz",
    "codebook convert book.npz book.h", "encode 3,1,7 --codebook book.npz"])
def test_works_on_the_core_install(line, tmp_path):
    from blockfactor.golden.codebook import Codebooks
    Codebooks.random((22, 22, 22), 4, 128, 1).save(tmp_path / "book.npz")
    code = BLOCKER.format(blocked=set(_common.EXTRAS))
    done = python(code, *line.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.fixture
def presets_raise(monkeypatch):
    """A function that makes the command ``presets`` raise an exception."""
    def prepare(problem):
        def run(args):
            raise problem
        module = next(m for m in cli.commands() if m.NAME == "presets")
        monkeypatch.setattr(module, "run", run)
    return prepare


@pytest.mark.parametrize(("problem", "status", "message"), [
    (BlockfactorError("x 3 is\noutside 0..2"), 2, "blockfactor: error: x 3 is outside 0..2\n"),
    (FileNotFoundError(2, "No such file or directory", "a.npz"), 2,
     "blockfactor: error: a.npz: No such file or directory\n"),
    (KeyboardInterrupt(), 130, "blockfactor: interrupted\n"),
    (ModuleNotFoundError("No module named 'cocotb_tools.runner'", name="cocotb_tools.runner"), 2,
     "blockfactor: error: Python package cocotb_tools is not installed: "
     "pip install 'blockfactor[sim]'\n"),
])
def test_users_mistakes_show_no_traceback(problem, status, message, presets_raise, command):
    presets_raise(problem)
    assert command("presets") == (status, "", message)


@pytest.mark.parametrize("problem", [
    RuntimeError("a bug"), OSError("no file is named"),
    ModuleNotFoundError("No module named 'nonsense'", name="nonsense")])
def test_mistakes_of_the_program_show_a_traceback(problem, presets_raise, command):
    presets_raise(problem)
    with pytest.raises(type(problem)):
        command("presets")


def test_extras_are_those_of_the_project():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"]
    for module, extra in _common.EXTRAS.items():
        package = module.replace("_", "-").removesuffix("-tools")
        assert any(r.startswith(package) for r in extras[extra]), module


def test_broken_pipe_is_quiet():
    process = subprocess.Popen([sys.executable, "-c",
                                "import sys; from blockfactor.cli import main; sys.exit(main())",
                                "presets"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()  # long before anything is printed
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), error) == (141, b"")


def test_a_real_interrupt():
    # A job in the background of a shell inherits that interrupts are ignored.
    code = ("import os, signal, sys\nfrom blockfactor import cli\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "module = next(m for m in cli.commands() if m.NAME == 'presets')\n"
            "module.run = lambda args: os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.exit(cli.main(['presets']))")
    done = python(code)
    assert (done.returncode, done.stderr) == (130, "blockfactor: interrupted\n")


def test_output_to_a_folder_without_rights(tmp_path, command, monkeypatch):
    """Root may write everywhere, so the answer of the system is played."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert command("codebook", "make", "--preset", "demo", "-o", tmp_path / "a.npz") == (
        2, "", f"blockfactor: error: {tmp_path / 'a.npz'}: directory {tmp_path} cannot be "
               f"written to\n")


def test_tables_in_a_pipe_are_not_cut(command):
    """Rich would assume 80 columns."""
    done = command("presets")
    assert max(map(len, done.out.splitlines())) > 100
    assert "…" not in done.out
