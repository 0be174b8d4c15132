"""Wrong inputs of every kind, and the message with which each is refused.

The same table is tested (test_refused.py) and written to docs/refused.md, by

    python tests/refused_inputs.py

An entry is a command line, or an expression over the names of ``refused_world.NAMES``, and the
message; words in braces stand for lists that grow with the project.
"""

import dataclasses
import os
import sys
import tempfile
from pathlib import Path

import refused_world

from blockfactor import cli
from blockfactor.config import CoreConfig
from blockfactor.parameters import RunParameters
from blockfactor.presets import PRESETS

__all__ = ["CASES", "TABLE", "markdown"]

PAGE = Path(__file__).parents[1] / "docs" / "refused.md"

TABLE = {
    "Configuration": (
        ("CoreConfig(factors=5)",
         "factors 5 is outside 2..4"),
        ('CoreConfig(factors="three")',
         "factors 'three' is not an integer in 2..4"),
        ("CoreConfig(blocks=0)",
         "blocks 0 is outside 1..16"),
        ("CoreConfig(block_length=1)",
         "block_length 1 is outside 2..1024"),
        ("CoreConfig(block_length=12.5)",
         "block_length 12.5 is not an integer in 2..1024"),
        ("CoreConfig(max_codevectors=True)",
         "max_codevectors True is not an integer in 1..4096"),
        ("CoreConfig(max_codevectors=4097, list_size=32)",
         "max_codevectors 4097 is outside 1..4096"),
        ("CoreConfig(list_size=64, max_codevectors=32)",
         "list_size 64 is outside 1..32 (max_codevectors 32, rounded up to a power of two)"),
        ("CoreConfig(query_entries=8, block_length=4)",
         "query_entries 8 is outside 1..4 (block_length)"),
        ("CoreConfig(weight_bits=7)",
         "weight_bits 7 is outside 1..6"),
        ("CoreConfig(element_bits=2)",
         "element_bits 2 is not 0 (none) or 4..16"),
        ("CoreConfig(histogram_bits=25)",
         "histogram_bits 25 is outside 4..24"),
        ("CoreConfig(tag_bits=3, block_length=128)",
         "tag_bits 3 is too few for block_length 128: 19 rows to scrub a step, at most "
         "{scrub_rows}"),
        ("CoreConfig(tuples_per_cycle=2)",
         "tuples_per_cycle 2 is outside 1..1"),
        ('CoreConfig(engines=("magic",))',
         "engines 'magic' is not one of factorize, scan"),
        ("CoreConfig(engines=())",
         "engines [] must name one or more of factorize, scan, each once"),
        ('CoreConfig(engines=("scan", "scan"))',
         "engines ['scan', 'scan'] must name one or more of factorize, scan, each once"),
        ("CoreConfig(factors=4, max_codevectors=512, list_size=512, blocks=16, query_entries=16)",
         "list_size 512 is too large for 4 factors: the threshold takes 64 bits, at most 63"),
        ('CoreConfig(multiplier="table")',
         "multiplier 'table' is not one of logic, dsp"),
        ("CoreConfig(codebook=3)",
         "codebook 3 is not the name of a file"),
        ("CoreConfig().replace(factor=3)",
         "no field 'factor' in CoreConfig; fields are {core_fields}"),
        ("CoreConfig.from_table([1, 2])",
         "CoreConfig: [1, 2] is not a table"),
        ('SystemConfig(core="demo")',
         "core 'demo' is not a CoreConfig"),
        ("SystemConfig(cores=0)",
         "cores 0 is outside 1..1"),
        ("SystemConfig(clock_hz=12)",
         "clock_hz 12 is outside 1000..1000000000"),
        ("SystemConfig(baud=1)",
         "baud 1 is outside 300..10000000"),
        ('SystemConfig(front_end="i2c")',
         "front_end 'i2c' is not one of native"),
        ("SystemConfig(board=7)",
         "board 7 is not a name"),
        ('SystemConfig.from_table({"core": {"factors": 1}})',
         "factors 1 is outside 2..4"),
        ('preset("huge")',
         "no preset 'huge'; presets are {presets}"),
    ),
    "Run parameters": (
        ("RunParameters(sizes=(22,))",
         "sizes [22] has 1 entries, must have 2..4"),
        ("RunParameters(sizes=22)",
         "sizes 22 is not a list of integers"),
        ("RunParameters(sizes=(22, 0, 22))",
         "sizes[1] 0 is outside 1..4096"),
        ("RunParameters(sizes=(22, 5000, 22))",
         "sizes[1] 5000 is outside 1..4096"),
        ('RunParameters(sizes=(22, 22), mode="guess")',
         "mode 'guess' is not one of factorize, scan"),
        ("RunParameters(sizes=(22, 22), threshold=65536)",
         "threshold 65536 is outside 0..65535"),
        ("RunParameters(sizes=(22, 22), threshold=.0034)",
         "threshold 0.0034 is not an integer in 0..65535"),
        ("RunParameters(sizes=(22, 22), samples=-1)",
         "samples -1 is outside 0..65535"),
        ('RunParameters(sizes=(22, 22), rule="max")',
         "rule 'max' is not one of min, sum"),
        ("RunParameters(sizes=(22, 22), trim=16)",
         "trim 16 is outside 0..15"),
        ("RunParameters(sizes=(22, 22), level=512)",
         "level 512 is outside 0..511"),
        ("RunParameters(sizes=(22, 22), patience=16)",
         "patience 16 is outside 0..15"),
        ("RunParameters(sizes=(22, 22), max_iterations=65536)",
         "max_iterations 65536 is outside 0..65535"),
        ("RunParameters(sizes=(22, 22), max_tuples=1 << 32)",
         "max_tuples 4294967296 is outside 0..4294967295"),
        ("RunParameters(sizes=(22, 22), seed=-5)",
         "seed -5 is outside 0..4294967295"),
        ("RunParameters(sizes=(22, 22), known=(3,))",
         "known [3] has 1 entries, sizes has 2"),
        ("RunParameters(sizes=(22, 22), known=(3, 22))",
         "known[1] 22 is outside -1..21"),
        ("RunParameters(sizes=(22, 22), dense_threshold=-1)",
         "dense_threshold -1 is outside 0..65535"),
        ("RunParameters(sizes=(22, 22)).replace(treshold=1)",
         "no field 'treshold' in RunParameters; fields are {run_fields}"),
        ("RunParameters.from_table({})",
         "RunParameters: field 'sizes' is missing"),
        ("RunParameters(sizes=(22, 22)).check(CoreConfig())",
         "sizes [22, 22] has 2 entries, the core has 3 factors"),
        ("RunParameters(sizes=(22, 22, 40)).check(CoreConfig())",
         "sizes[2] 40 is outside 1..32"),
        ("RunParameters(sizes=(22, 22, 22), trim=4).check(CoreConfig())",
         "trim 4 is outside 0..3"),
        ('RunParameters(sizes=(22, 22, 22), mode="scan").check(CoreConfig(engines="factorize"))',
         "mode 'scan' is not one of factorize"),
        ('RunParameters.load("missing.toml")',
         "missing.toml: cannot be read as TOML: No such file or directory"),
        ('RunParameters.load("broken.toml")',
         "broken.toml: cannot be read as TOML: Unclosed array (at end of document)"),
        ('RunParameters.load("misspelt.toml")',
         "misspelt.toml: no field 'treshold' in RunParameters; fields are {run_fields}"),
        ('RunParameters.load("level.toml")',
         "level.toml: level 1000 is outside 0..511"),
        ('RunParameters.load("binary.hex")',
         "binary.hex: cannot be read as TOML: 'utf-8' codec can't decode byte 0xff in position "
         "0: invalid start byte"),
    ),
    "Codebooks and their files": (
        ("Codebooks((), 128)",
         "no codebooks: at least one factor is needed"),
        ("Codebooks(7, 128)",
         "indices 7 is not a sequence of codebooks"),
        ("Codebooks(([[1, 2]], [[3]]), 128)",
         "codebook 1 has 1 blocks, codebook 0 has 2"),
        ("Codebooks(([[1, 2], [3]],), 128)",
         "codebook 0: codevectors differ in length"),
        ("Codebooks(([[0.5, 1.0]],), 128)",
         "codebook 0: float64 values are not integers"),
        ("Codebooks(([[0, 0, 0], [0, 0, 128]],), 128)",
         "codebook 0, codevector 1, block 2: index 128 is outside 0..127"),
        ("Codebooks(([[-1, 0]],), 128)",
         "codebook 0, codevector 0, block 0: index -1 is outside 0..65535"),
        ("Codebooks(([],), 128)",
         "codebook 0 is empty"),
        ("Codebooks(([1, 2],), 128)",
         "codebook 0 has shape (2,), must be [codevectors, blocks]"),
        ("Codebooks(([[1, 2]],), 0)",
         "block_length 0 is outside 1..65536"),
        ("Codebooks.random((22, 0), 4, 128, seed=1)",
         "sizes[1] 0 is outside 1..16777216"),
        ("Codebooks.random((22, 22), 0, 128, seed=1)",
         "blocks 0 is outside 1..65536"),
        ("encode(book, (3, 1))",
         "tuple (3, 1) has 2 entries, there are 3 codebooks"),
        ("encode(book, (3, 1, 22))",
         "tuple 0, factor 2: codevector 22 is outside 0..21"),
        ("encode(book, (3, 1, -1))",
         "factor 2, codevector -1 is outside 0..2147483647"),
        ('read_codebooks("book.txt")',
         "book.txt: suffix '.txt' is not one of .npz, .h, .c, .inc, .hex, .mem"),
        ('read_codebooks("missing.npz")',
         "missing.npz: cannot be read: No such file or directory"),
        ('read_codebooks("missing.h")',
         "missing.h: cannot be read: No such file or directory"),
        ('read_codebooks("cut.npz")',
         "cut.npz: not a readable .npz archive: File is not a zip file"),
        ('read_codebooks("queries.npz")',
         "queries.npz: not a file of codebooks: kind is 'queries'"),
        ('read_codebooks("version.npz")',
         "version.npz: format_version 2 is not 1"),
        ('read_codebooks("gap.npz")',
         "gap.npz: indices_1 is missing"),
        ('read_codebooks("image.hex")',
         "image.hex: the shape is not stated at the top: give sizes, blocks and block_length"),
        ('read_codebooks("binary.hex")',
         "binary.hex: cannot be read: it is not text"),
        ('from_c("int x;")',
         "0 macros whose name ends in _FACTORS, must be 1"),
        ('from_c("#define A_FACTORS 2\\n#define B_FACTORS 2")',
         "2 macros whose name ends in _FACTORS, must be 1"),
        ('from_c("#define K_FACTORS 1\\n#define K_BLOCKS 2")',
         "macro K_BLOCK_LENGTH is missing"),
        ("from_c(c_text)",
         "array k_0 is missing"),
        ('from_c(c_text + "const uint8_t k_0[1][2] = {{1}};")',
         "codebook 0, codevector 0 has 1 indices, must have 2 (blocks)"),
        ('from_c(c_text + "const uint8_t k_0[1][2] = {{1, x}};")',
         "codebook 0, codevector 0: 'x' is not a decimal or 0x number"),
        ('from_c(c_text + "const uint8_t k_0[1][2] = {{1, 8}};")',
         "codebook 0, codevector 0, block 1: index 8 is outside 0..7"),
        ('from_c(c_text + "const uint8_t k_0[2][2] = {{1, 2}, {3, 4}};")',
         "codebook 0 has 2 codevectors, K_SIZE_0 is 1"),
        ('to_c(book, "2nd-book")',
         "name '2nd-book' is not a C identifier"),
        ('from_hex("00 01")',
         "the shape is not stated at the top: give sizes, blocks and block_length"),
        ('from_hex("0g 00", image)',
         "line 1: '0g' is not a hexadecimal number"),
        ('from_hex("00", image)',
         "1 words, must be 4 (2 factors of 2)"),
        ('from_hex("100 00", image)',
         "line 1: 100 has more than 8 bits (2 blocks of 4)"),
        ('from_hex("12 34 56 78", image)',
         "codebook 1 has 1 codevectors, but the word of codevector 1 is not 0"),
        ('from_hex("11 22 00 80", Layout((2, 1), 2, 8, 1))',
         "line 1: 80 has more than 6 bits (2 blocks of 3)"),
        ('from_hex("11 22 07 00", Layout((2, 1), 2, 5, 1))',
         "codebook 1, codevector 0, block 0: index 7 is outside 0..4"),
        ("Layout((3,), 2, 8, 1)",
         "codebook 0, size 3 is outside 1..2"),
        ("to_hex(book, codevector_bits=4)",
         "codebook 0, size 22 is outside 1..16"),
        ('Factorizer(preset("f4").core, book)',
         "codebook has factors 3, the core has 4"),
        ('Factorizer(preset("demo").core, book).check(parameters.replace(sizes=(22, 30, 22)))',
         "codebook 1 has 22 codevectors, sizes[1] 30 asks for more"),
    ),
    "Queries": (
        ("Query(5)",
         "query: entries 5 are not, for each block, pairs (index, weight)"),
        ("Query((((1, 2, 3),),))",
         "query: entries (((1, 2, 3),),) are not, for each block, pairs (index, weight)"),
        ("Query((((1, -1),),))",
         "query, block 0: weight -1 is outside 0..65535"),
        ("Query((((70000, 1),),))",
         "query, block 0: index 70000 is outside 0..65535"),
        ("Query((((1, 1),),)).check(4, 128, 8, 4)",
         "query has 1 blocks, the core has 4"),
        ("Query((((128, 1),),)).check(1, 128, 8, 4)",
         "query, block 0: index 128 is outside 0..127"),
        ("Query((((5, 16),),)).check(1, 128, 8, 4)",
         "query, block 0, index 5: weight 16 is outside 1..15"),
        ("Query((((5, 0),),)).check(1, 128, 8, 4)",
         "query, block 0, index 5: weight 0 is outside 1..15"),
        ("Query((((5, 1), (5, 2)),)).check(1, 128, 8, 4)",
         "query, block 0: index 5 occurs twice, allowed is once"),
        ("Query((((5, 1), (6, 2)),)).check(1, 128, 1, 4)",
         "query, block 0: 2 entries are outside 0..1"),
        ("Query.from_arrays([[1, 2]], [[1]])",
         "query: index of shape (1, 2) and weight of shape (1, 1) are not both [blocks, entries]"),
        ("clean([1.5])",
         "indices of shape (1,) and type float64 are not integers [blocks]"),
        ("soft([1, 128], 128, 4.0, rng)",
         "query, block 1: index 128 is outside 0..127"),
        ('soft([1, 2], 128, "big", rng)',
         "margin 'big' is not a number in -1000000.0..1000000.0"),
        ("from_probabilities([[.5, -.5]], 2, 4)",
         "query 0, block 0, index 1: probability -0.5 is not finite and at least 0"),
        ('from_probabilities([[.5, float("nan")]], 2, 4)',
         "query 0, block 0, index 1: probability nan is not finite and at least 0"),
        ("from_probabilities([[.5, .5]], 3, 4)",
         "entries 3 is outside 1..2"),
        ("from_probabilities([[.5, .5]], 2, 0)",
         "weight_bits 0 is outside 1..16"),
        ("from_probabilities([.5, .5], 2, 4)",
         "probabilities have shape (1, 2), must be [n, blocks, block length]"),
        ("damaged([1, 2], 128, 3, rng)",
         "wrong_blocks 3 is outside 0..2"),
        ("QuerySet.of([])",
         "no queries: a set needs at least one"),
        ("QuerySet([[[1]]], [[[1, 2]]])",
         "index has shape (1, 1, 1), weight (1, 1, 2)"),
        ('QuerySet.load("missing.npz")',
         "missing.npz: cannot be read: No such file or directory"),
        ('QuerySet.load("book.npz")',
         "book.npz: not a file of queries: kind is 'codebooks'"),
        ('QuerySet.load("cut.npz")',
         "cut.npz: not a readable .npz archive: File is not a zip file"),
        ('Factorizer(preset("demo").core, book).run(Query(((),) * 4), parameters)',
         "query is empty: no block has an entry"),
    ),
    "Command line": (
        ("blockfactor factorise",
         "argument COMMAND: 'factorise' is not one of {commands} (see 'blockfactor --help')"),
        ("blockfactor --verbose",
         "unrecognized arguments: --verbose (see 'blockfactor --help')"),
        ("blockfactor presets --kind wet",
         "argument --kind: 'wet' is not one of clean, soft, damaged (see 'blockfactor presets "
         "--help')"),
        ("blockfactor presets show",
         "the following arguments are required: name (see 'blockfactor presets show --help')"),
        ("blockfactor presets show huge",
         "no preset 'huge'; presets are {presets}"),
        ("blockfactor presets show demo -o book.npz",
         "book.npz: is a file, must be a directory"),
        ("blockfactor presets show demo --json -o folder",
         "argument --json: not allowed with -o, which writes TOML"),
        ("blockfactor codebook",
         "the following arguments are required: ACTION (see 'blockfactor codebook --help')"),
        ("blockfactor codebook make -o new.npz",
         "--sizes, --blocks, --block-length not given: give --preset, or --sizes, --blocks and "
         "--block-length"),
        ("blockfactor codebook make --preset demo",
         "the following arguments are required: -o/--output (see 'blockfactor codebook make "
         "--help')"),
        ("blockfactor codebook make --preset huge -o new.npz",
         "no preset 'huge'; presets are {presets}"),
        ("blockfactor codebook make --preset demo -o new.txt",
         "new.txt: suffix '.txt' is not one of .npz, .h, .c, .inc, .hex, .mem"),
        ("blockfactor codebook make --preset demo -o nowhere/new.npz",
         "nowhere/new.npz: directory nowhere does not exist"),
        ("blockfactor codebook make --preset demo -o .",
         ".: is a directory, must be a file"),
        ("blockfactor codebook make --preset demo -o new.h --name 2nd-book",
         "name '2nd-book' is not a C identifier"),
        ("blockfactor codebook make --preset demo --seed x -o new.npz",
         "argument --seed: 'x' is not an integer in 0..18446744073709551615 (see 'blockfactor "
         "codebook make --help')"),
        ("blockfactor codebook make --preset demo --seed -1 -o new.npz",
         "argument --seed: -1 is outside 0..18446744073709551615 (see 'blockfactor codebook "
         "make --help')"),
        ("blockfactor codebook make --preset demo --sizes 22;22 -o new.npz",
         "argument --sizes: '22;22' is not a list of integers such as 3,1,7 (see 'blockfactor "
         "codebook make --help')"),
        ("blockfactor codebook make --preset demo --sizes 22,0,22 -o new.npz",
         "sizes[1] 0 is outside 1..16777216"),
        ("blockfactor codebook make --preset demo --blocks 0 -o new.npz",
         "argument --blocks: 0 is outside 1..65536 (see 'blockfactor codebook make --help')"),
        ("blockfactor codebook make --preset demo --max-codevectors 16 -o new.hex",
         "codebook 0, size 22 is outside 1..16"),
        ("blockfactor codebook check missing.npz",
         "missing.npz: cannot be read: No such file or directory"),
        ("blockfactor codebook check image.hex",
         "image.hex: the shape is not stated at the top: give sizes, blocks and block_length"),
        ("blockfactor codebook check image.hex --sizes 2,2 --blocks 2 --block-length 16",
         "image.hex: line 4: '7g' is not a hexadecimal number"),
        ("blockfactor codebook convert book.npz",
         "the following arguments are required: output (see 'blockfactor codebook convert "
         "--help')"),
        ("blockfactor codebook convert book.npz new.pdf",
         "new.pdf: suffix '.pdf' is not one of .npz, .h, .c, .inc, .hex, .mem"),
        ("blockfactor codebook convert book.npz new.hex --preset f4",
         "book.npz: codebooks have factors 3, the core has 4 (preset f4)"),
        ("blockfactor encode",
         "the following arguments are required: input (see 'blockfactor encode --help')"),
        ("blockfactor encode 3,1,7",
         "tuples need the codebooks: give --codebook"),
        ("blockfactor encode 3,1,x --codebook book.npz",
         "'3,1,x' is not a list of integers such as 3,1,7, nor a .npy or .npz file"),
        ("blockfactor encode 3,1 --codebook book.npz",
         "tuple 3,1 has 2 entries, there are 3 codebooks"),
        ("blockfactor encode 0,0,0 3,1,22 --codebook book.npz",
         "tuple 1, factor 2: codevector 22 is outside 0..21"),
        ("blockfactor encode 3,1,7 --codebook book.npz --entries 0",
         "argument --entries: 0 is outside 1..1024 (see 'blockfactor encode --help')"),
        ("blockfactor encode 3,1,7 --codebook book.npz -o queries.toml",
         "queries.toml: suffix '.toml' is not .npz"),
        ("blockfactor encode 3,1,7 --codebook book.npz --preset f4",
         "book.npz: codebooks have factors 3, the core has 4 (preset f4)"),
        ("blockfactor encode missing.npy",
         "missing.npy: cannot be read: No such file or directory"),
        ("blockfactor encode flat.npy",
         "flat.npy: shape (5,) is not [B, L] or [n, B, L]"),
        ("blockfactor encode text.npy",
         "text.npy: not a readable NumPy file: wrong first bytes"),
        ("blockfactor encode negative.npy",
         "negative.npy: query 0, block 1, index 1: probability -1 is not finite and at least 0"),
        ("blockfactor encode negative.npy negative.npy",
         "negative.npy: one file of vectors at a time"),
        ("blockfactor encode zeros.npy",
         "query 0 is empty: no block has an entry"),
        ("blockfactor encode negative.npy --preset demo",
         "negative.npy: vectors have 2 blocks of 3, must have 4 of 128"),
        ("blockfactor encode queries.npz",
         "queries.npz: no array is called vectors"),
        ("blockfactor encode words.npy",
         "words.npy: <U1 values are not numbers"),
        ("blockfactor doctor --jsn",
         "unrecognized arguments: --jsn (see 'blockfactor doctor --help')"),
        ("blockfactor codebook make --preset demo -o new.npz --sede 3",
         "unrecognized arguments: --sede 3 (see 'blockfactor codebook make --help')"),
    ),
}

FILL = {
    "commands": ", ".join(module.NAME for module in cli.commands()),
    "presets": ", ".join(PRESETS),
    "core_fields": ", ".join(field.name for field in dataclasses.fields(CoreConfig)),
    "run_fields": ", ".join(field.name for field in dataclasses.fields(RunParameters)),
    "scrub_rows": CoreConfig.SCRUB_ROWS,
}

#: (given, message) of all sections.
CASES = [(given, message.format(**FILL)) for cases in TABLE.values() for given, message in cases]


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|").replace("\n", "\\n") + "`"


def markdown() -> str:
    """Text of docs/refused.md."""
    lines = [
        "# Refused inputs",
        "",
        f"{len(CASES)} wrong inputs and what is said about each. A command prints the message on",
        "the standard error after `blockfactor: error: ` and leaves with status 2; in Python it is",
        "the text of an exception derived from `blockfactor.errors.BlockfactorError`.",
        "",
        "Made by `make docs` from tests/refused_inputs.py; tests/test_refused.py tries every line.",
    ]
    for section, cases in TABLE.items():
        lines += ["", f"## {section}", "", "| given | message |", "|---|---|"]
        lines += [f"| {_code(given)} | {_code(message.format(**FILL))} |"
                  for given, message in cases]
    lines += ["", "## Files and names used above", "", "| name | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text, _ in refused_world.FILES]
    lines += [
        "| `book` | the codebooks of book.npz |",
        "| `parameters` | the clean run parameters of preset demo |",
        "| `image` | `Layout(sizes=(2, 1), blocks=2, block_length=16, codevector_bits=1)` |",
        "| `c_text` | macros of one factor of one codevector, 2 blocks of 8; no array |",
        "| `rng` | a NumPy random generator |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write docs/refused.md; 1 where a message differs from the table, which is then shown."""
    folder = os.getcwd()
    wrong = 0
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        try:
            refused_world.write_files()
            for given, message in CASES:
                found = refused_world.attempt(given)
                if found != message:
                    wrong += 1
                    print(f"{given}\n  table: {message}\n  found: {found}", file=sys.stderr)
        finally:
            os.chdir(folder)
    PAGE.write_text(markdown(), encoding="utf-8")
    print(f"{PAGE.name}: {len(CASES)} cases, {wrong} differ from what the package says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
