"""docs/mcu.md: what a microcontroller gains by the core."""

import textwrap

__all__ = ["COLUMNS", "cell", "fastest", "text"]

M0, M4 = "cortex_m0plus", "cortex_m4"
ICE, ECP = "icebreaker", "ulx3s-25f"
#: Columns of latencies: software by processor, or board with its host; and the engine.
COLUMNS = {
    "M0+ join": (M0, "join"), "M4 join": (M4, "join"), "M0+ pairs": (M0, "pairs"),
    "M4 pairs": (M4, "pairs"), "iCEBreaker join": (ICE, "join"), "ULX3S join": (ECP, "join"),
    "M0+ factorize": (M0, "factorize"), "M4 factorize": (M4, "factorize"),
    "ULX3S factorize": (ECP, "factorize"),
}
#: Whose time a board's column is.
HOST = M0

BEGIN = """\
# What a microcontroller gains by the core

Made by `python bench/mcu.py`: {queries} queries a point, each from codebooks of its own, F=3,
D=512, B=4, L=128; soft: margin 4, linear weights, {entries} entries in the mean. Nothing here was
measured on hardware: instructions are counted in an emulator, cycles of microcontrollers
estimated from them, cycles of the core are the golden model's, times of the transfer are worked
out.

## Time from query to result

Microseconds, mean and in brackets 99 %, from the query in the microcontroller's memory to the
result there. `M0+` at {m0:g} MHz and `M4` at {m4:g} MHz are alone. A board is the core behind SPI
of an M0+: C driver, transfer, run, interrupt, result; with an M4 as the host it is at most
{host:.0f} µs less. The boards: {boards}.

"""
TIMES = """
*join* is join with an inverted index, *pairs* the same with a table of all pairs of codevectors
of the last two factors as well. right: answers of join / factorize that are right (clean: that
bind to the query).

How many times as long the microcontroller takes alone, with the same results; join is the faster
one of join and pairs. *clean only*: the fastest search of clean queries, which gives the tuple
and no scores:

"""
VERDICT = """
- **Alone is faster** than with either board: {alone}.
- **The core is faster**: {gains}.
- **Depends on processor and board**: {even}.
- **Clean queries**: where only the tuple is wanted, alone is faster in {clean}. A hash table of
  all products takes about a microsecond where there is RAM for it: {tables}; at M=49 there would
  be 117,649 products. None of these says how sure the answer is.
- **The transfer is most of a short run.** SCK is {sck:g} MHz at most and a quarter of the core's
  clock; the driver moves {clean_bytes} bytes a clean query and {soft_bytes} a soft one
  (iCEBreaker), {part} of the time in the mean; the fewest frames that would do have {least_clean}
  and {least_soft} bytes. Several queries in flight would hide the runs, not the transfers: those
  limit the rate. Alone, 99 % are up to {tail:.1f} times the mean; with the core up to
  {core_tail:.1f} times (join).
- **A leaner driver would matter**: with the fewest frames and no instruction of its own, as a
  lower bound, join takes {bounds} (iCEBreaker / ULX3S); then the core would be faster in {flips},
  too.
- **A faster SCK**: the {fast_title} takes {fast_sck:g} MHz. With it join takes, from an M0+,
  {fast}; the core is faster then in {fast_flips}, too.
- **The processor is gained only if `transfer` lets other tasks run**, with DMA and an interrupt at
  its end: a query with the core then takes {busy} of it, whatever the codebooks, and two
  switches of tasks a frame, which are not counted. A `transfer` that waits for its bytes, as that
  of [rp2040.md](rp2040.md) does, keeps it busy for {blocking}. Alone it is busy for the whole time.
- **Factorize is slower than join**, in software {slower} times. Join in software is faster even
  than factorize on the ULX3S for {beaten} (M0+).

"""
CLEAN = """
## Clean queries in software

Microseconds, mean and in brackets 99 %. *table*: hash table of all products; *meet*: join without
scores, *meet_pairs* the same with the table of pairs. Each tuple that they gave binds to the
query. At the right what is made of a set of codebooks takes; the index and pairs serve soft
queries, too.

"""
METHOD = """
## Where the time goes

Means. The driver's part does not depend on the codebooks; *bytes*: all frames, *fewest*: query,
INT_STATE, RESULT to RESULT_RUNNER_UP, pop.

"""
COUNTS = """
## Instructions and cycles

Means. The core's cycles are those of the ULX3S; the iCEBreaker's join takes the same.

"""
MEMORY = """
## Memory

Bytes. RAM: packed codebooks, index, pairs or lists, tables of a query; of *table* its slots only.
Stack, on top: at most {stack} for the programs as they are compiled, for up to 64 codevectors;
{driver_stack} for the driver. Flash of *join* has *pairs* in it. The core holds codebooks itself:
then the microcontroller needs none of this but the driver.

"""
NOTES = """
## How it was obtained

- **Software**: bench/mcu, C99, no heap, no division, 32-bit arithmetic, compiled by the wheel
  ziglang (clang) with -O2. Four blocks lie in a word and are bound by an addition and a mask;
  join runs over a column of bytes and collects what the inverted index has; factorize adds tuples
  up in 16-bit histograms, drops entries of weight 0, gives a codevector up at the first block
  that decides, and clears only what it touched where that is less. Nothing imitates the hardware.
- **Not tried**: queries in batches, assembler, a bound on scores that skips candidates, codebooks
  in an order that suits a table. Software may have some way to go yet; so may a faster SPI.
- **Equal results**: every run has the tuple, score, runner-up, similarities, iterations or tuples
  and stop reason of the golden model, or the script ends with an error. tests/test_bench_mcu.py
  compares the trace's CRC, too, on other shapes and with known factors (2 to 4 factors, 4 and 8
  blocks).
- **Instructions**: unicorn runs the whole function, without an interrupt; instructions of an M4
  whose condition does not hold count. The M0+ image was decoded whole, by the linker's marks of
  code: {foreign} of its instructions are not in ARMv6-M.
- **Cycles are an estimate**: bench/_thumb.py has the model, from the technical reference manuals:
  M0+: load and store 2, branch taken 2, multiplication 1; M4: load and store 2, 1 right after
  another, branch taken 3. Memory has no wait states: code in flash behind a cache, as an RP2040
  has it, is slower. A compiler other than this, or an assembler programmer, gives other figures:
  of the M0+'s inner loops a part is spills of its eight low registers.
- **The core**: golden/cycles.py, exact, at the board's clock. The boards' own figures
  ([boards.md](boards.md)) are with a UART; *join with spi* on a UP5K reaches 30.0 to 31.0 MHz
  ([area.md](area.md)). Parameters: `auto`'s join; factorize with published A and T (clean), those
  of preset `demo` (soft; M=49 without trim), at most 200 iterations of soft queries, so that its
  times are cut there, and it is right less often.
- **The transfer**: bytes of the frames that the C driver ([drivers_mcu.md](drivers_mcu.md)) makes
  in the emulator with the registers' golden model at their other end, without gaps, at SCK's
  limit; SPI clocks that a part cannot divide to are not looked at. The driver's function
  `transfer` starts DMA: four stores a frame. An
  interrupt takes {interrupts} cycles to its handler. The next frame follows at once.
- Energy was not looked at.
"""


def _us(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _figure(row: dict, where: str, engine: str, host: str = HOST) -> dict | None:
    """Mean and 99 % in microseconds, or None where there is no such engine."""
    if where in (M0, M4):
        return row["software"][where].get(engine, {}).get("us")
    return row["board"][where].get(engine, {}).get(host)


def _pair(figure: dict | None) -> str:
    return f"{_us(figure['mean'])} ({_us(figure['p99'])})" if figure else ""


def cell(row: dict, column: str) -> str:
    """Mean and 99 % of a column of :data:`COLUMNS`."""
    return _pair(_figure(row, *COLUMNS[column]))


def fastest(row: dict, cpu: str) -> tuple[str, float]:
    """Fastest software that gives at least the tuple, and its mean in microseconds."""
    return min(((name, way["us"]["mean"]) for name, way in row["software"][cpu].items()
                if name != "factorize"), key=lambda item: item[1])


def _title(row: dict) -> str:
    return f"{row['kind']} M={row['size']}"


def _wrapped(page: str) -> str:
    """The page with its paragraphs in lines of up to 100 characters."""
    lines, paragraph = [], []
    for line in [*page.split("\n"), ""]:
        if line[:2] in ("", "# ", "##", "| ", "- ") and paragraph:
            indent = "  " if paragraph[0].startswith("- ") else ""
            lines += textwrap.wrap(" ".join(map(str.strip, paragraph)), 100, break_long_words=False,
                                   subsequent_indent=indent, break_on_hyphens=False)
            paragraph = []
        if line[:2] in ("", "# ", "##", "| "):
            lines.append(line)
        else:
            paragraph.append(line)
    return "\n".join(lines[:-1])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _ratio(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _same(row: dict, where: str, engine: str, host: str = HOST) -> float | None:
    """Mean of the fastest way to an engine's results."""
    ways = ("join", "pairs") if engine == "join" and where in (M0, M4) else (engine,)
    figures = [_figure(row, where, way, host) for way in ways]
    return min((figure["mean"] for figure in figures if figure), default=None)


def _ratios(row: dict, engine: str) -> list[float]:
    """Software's time over the core's: M0+ and M4, each by board."""
    return [_same(row, cpu, engine) / _same(row, board, engine, cpu) for cpu in (M0, M4)
            for board in (ICE, ECP) if _same(row, board, engine, cpu)]


def _gains(points: list[dict]) -> str:
    rows = []
    for row in points:
        line = [_title(row), *map(_ratio, _ratios(row, "join")),
                *map(_ratio, _ratios(row, "factorize"))]
        for cpu, board in ((M0, ICE), (M4, ECP)):
            name, mean = fastest(row, cpu)
            line.append(f"{name}: {_ratio(mean / _same(row, board, 'join', cpu))}"
                        if row["kind"] == "clean" else "")
        rows.append(line)
    return _table(["query", "join: M0+ / iCEBreaker", "M0+ / ULX3S", "M4 / iCEBreaker",
                   "M4 / ULX3S", "factorize: M0+ / ULX3S", "M4 / ULX3S",
                   "clean only: M0+ / iCEBreaker's join", "M4 / ULX3S's join"], rows)


def _listed(items: list[str]) -> str:
    return "; ".join(items) or "none"


def _verdict(data: dict) -> str:
    points = data["points"]
    alone, gains, even, clean, tails, core_tails, parts, slower = ([] for _ in range(8))
    for row in points:
        for engine in ("join", "factorize"):
            ratios = _ratios(row, engine)
            what = f"{engine}, {_title(row)}"
            if max(ratios) < 1:
                alone.append(f"{what} ({1 / max(ratios):.1f} to {1 / min(ratios):.1f} times)")
            else:
                to = gains if min(ratios) > 1 else even
                to.append(f"{what} ({_ratio(min(ratios))} to {_ratio(max(ratios))} times)")
        slower += [_same(row, cpu, "factorize") / _same(row, cpu, "join") for cpu in (M0, M4)]
        if row["kind"] == "clean" and all(
                fastest(row, cpu)[1] < _same(row, board, "join", cpu)
                for cpu in (M0, M4) for board in (ICE, ECP)):
            clean.append(f"{_title(row)} ({fastest(row, M0)[0]})")
        for cpu in (M0, M4):
            for way in ("join", "pairs"):
                figure = _figure(row, cpu, way)
                tails.append(figure["p99"] / figure["mean"])
            for board in (ICE, ECP):
                figure = _figure(row, board, "join", cpu)
                core_tails.append(figure["p99"] / figure["mean"])
                parts.append(row["board"][board]["transfer"]["us"] / figure["mean"])
    bounds, flips = [], []
    for row in points:
        least = {name: row["board"][name]["transfer"]["least_us"] + row["core"]["join"]["mean"]
                 / data["boards"][name]["clock_hz"] * 1e6 for name in (ICE, ECP)}
        bounds.append(f"{_us(least[ICE])} / {_us(least[ECP])} µs for {_title(row)}")
        for name, title in ((ICE, "iCEBreaker"), (ECP, "ULX3S")):
            for cpu, own in ((M0, "M0+"), (M4, "M4")):
                if least[name] < _same(row, cpu, "join") < _same(row, name, "join", cpu):
                    flips.append(f"{_title(row)} ({own}, {title})")
    transfer = {row["kind"]: row["board"][ICE]["transfer"] for row in points}
    fast, fast_flips = [], []
    for row in points:
        fast.append(f"{_us(row['fastest'][ECP]['join'][M0]['mean'])} µs for {_title(row)}")
        for cpu, own in ((M0, "M0+"), (M4, "M4")):
            mean = row["fastest"][ECP]["join"][cpu]["mean"]
            if mean < _same(row, cpu, "join") < _same(row, ECP, "join", cpu):
                fast_flips.append(f"{_title(row)} ({own})")
    blocking = []
    for name, board in data["boards"].items():
        spans = [row["board"][name]["transfer"]["us"] + part["us"] for row in points
                 for part in row["board"][name]["transfer"]["driver"].values()]
        blocking.append(f"{min(spans):.0f} to {max(spans):.0f} µs ({board['title']})")
    busy = [part["us"] for row in points for board in row["board"].values()
            for part in board["transfer"]["driver"].values()]
    beaten = [_title(row) for row in points
              if _same(row, M0, "join") < _same(row, ECP, "factorize")]
    tables = [f"{sizes['table'] >> 10} KiB at M={size}"
              for size, sizes in data["memory"]["ram"].items() if "table" in sizes]
    return VERDICT.format(
        alone=_listed(alone), gains=_listed(gains), even=_listed(even), clean=_listed(clean),
        bounds=_listed(bounds), flips=_listed(flips), tables=", ".join(tables),
        part=f"{min(parts):.0%} to {max(parts):.0%}",
        clean_bytes=f"{transfer['clean']['bytes']:.0f}",
        soft_bytes=f"{transfer['soft']['bytes']:.0f}",
        least_clean=f"{transfer['clean']['least_bytes']:.0f}",
        least_soft=f"{transfer['soft']['least_bytes']:.0f}",
        sck=max(board["sck_hz"] for board in data["boards"].values()) / 1e6,
        fast_title=data["boards"][ECP]["title"], fast_flips=_listed(fast_flips),
        fast_sck=data["boards"][ECP]["fastest_sck_hz"] / 1e6, fast="; ".join(fast),
        blocking=" or ".join(blocking),
        tail=max(tails), core_tail=max(core_tails), busy=f"{min(busy):.0f} to {max(busy):.0f} µs",
        slower=f"{_ratio(min(slower))} to {_ratio(max(slower))}", beaten=_listed(beaten))


def _clean(points: list[dict]) -> str:
    rows = []
    for row in points:
        for cpu, name in ((M0, "M0+"), (M4, "M4")):
            if row["kind"] != "clean":
                continue
            ways = row["software"][cpu]
            line = [_title(row), name]
            line += [_pair(_figure(row, cpu, way))
                     for way in ("table", "meet_pairs", "meet", "pairs", "join")]
            line += [_us(ways[way]["load_us"]) if way in ways else ""
                     for way in ("table", "pairs", "join")]
            rows.append(line)
    return _table(["query", "on", "table", "meet_pairs", "meet", "pairs", "join",
                   "making the table", "the pairs", "the index"], rows)


def _parts(data: dict) -> str:
    rows = []
    for row in data["points"]:
        for name, board in data["boards"].items():
            transfer = row["board"][name]["transfer"]
            engines = row["core"]
            us = {e: _us(engines[e]["mean"] / board["clock_hz"] * 1e6) if e in row["board"][name]
                  else "" for e in ("join", "factorize")}
            rows.append([_title(row), board["title"], f"{transfer['bytes']:.0f}",
                         _us(transfer["us"]), f"{transfer['least_bytes']:.0f}",
                         _us(transfer["least_us"]),
                         *(f"{transfer['driver'][cpu]['instructions']:,.0f}, "
                           f"{_us(transfer['driver'][cpu]['us'])} µs" for cpu in (M0, M4)),
                         us["join"], us["factorize"]])
    return _table(["query", "board", "bytes", "µs", "fewest bytes", "µs", "driver M0+", "driver M4",
                   "core: join, µs", "factorize, µs"], rows)


def _counts(points: list[dict]) -> str:
    rows = []
    for row in points:
        for engine in ("join", "pairs", "factorize"):
            line = [_title(row), engine]
            for cpu in (M0, M4):
                found = row["software"][cpu][engine]
                line += [f"{found['instructions']['mean']:,.0f}",
                         f"{found['cycles']['mean']:,.0f}"]
            core = row["core"]["join" if engine == "pairs" else engine]["mean"]
            line.append(f"{core:,.0f}")
            for cpu in (M0, M4):
                line.append(f"{row['software'][cpu][engine]['cycles']['mean'] / core:.0f}")
            rows.append(line)
    return _table(["query", "engine", "M0+ instructions", "cycles", "M4 instructions", "cycles",
                   "core cycles", "M0+ / core", "M4 / core"], rows)


def _memory(memory: dict) -> str:
    rows = []
    for engine in ("join", "pairs", "factorize", "table"):
        flash = memory["flash"].get(engine, {})
        rows.append([engine, *(f"{sizes[engine]:,}" if engine in sizes else ""
                               for sizes in memory["ram"].values()),
                     *(f"{flash[cpu]:,}" if flash else "" for cpu in (M0, M4))])
    for name, flash in memory["driver_flash"].items():
        rows.append([f"C driver, {name}", *[""] * len(memory["ram"]),
                     *(f"{flash[cpu]:,}" for cpu in (M0, M4))])
    return _table(["program", *(f"RAM, M={size}" for size in memory["ram"]), "flash M0+",
                   "flash M4"], rows)


def text(data: dict) -> str:
    """The page, of what bench/mcu.py has written as JSON."""
    points, memory, mcus = data["points"], data["memory"], data["mcus"]
    entries = [row["entries"] for row in points if row["kind"] == "soft"]
    less = max(row["board"][name][engine][M0]["mean"] - row["board"][name][engine][M4]["mean"]
               for row in points for name in row["board"] for engine in ("join", "factorize")
               if engine in row["board"][name])
    boards = "; ".join(f"{b['title']} {b['clock_hz'] / 1e6:g} MHz, SCK {b['sck_hz'] / 1e6:g} MHz"
                       for b in data["boards"].values())
    times = _table(["query", "right", *COLUMNS], [
        [_title(row), f"{row['right']['join']:.2f} / {row['right']['factorize']:.2f}",
         *(cell(row, column) for column in COLUMNS)] for row in points])
    return _wrapped("".join((
        BEGIN.format(queries=data["queries"], entries=f"{sum(entries) / len(entries):.1f}",
                     m0=mcus[M0]["clock"] / 1e6, m4=mcus[M4]["clock"] / 1e6, host=less,
                     boards=boards),
        times, TIMES, _gains(points), _verdict(data).rstrip("\n") + "\n",
        CLEAN, _clean(points), METHOD, _parts(data), COUNTS, _counts(points),
        MEMORY.format(stack=f"{max(memory['stack'].values()):,}",
                      driver_stack=memory["driver_stack"]), _memory(memory),
        NOTES.format(foreign=data["not_in_armv6m"][M0],
                     interrupts=" / ".join(str(mcu["interrupt"]) for mcu in mcus.values())))))
