"""Codebooks, queries, run parameters and results as the words that go through registers."""

from ..config import SystemConfig
from ..drivers import words
from ..golden.codebook import Codebooks
from ..golden.query import Query
from ..golden.result import STOPS, Result
from ..parameters import RunParameters
from ..registers import RegisterMap, register_map

__all__ = ["codebook_words", "parameter_words", "query_words", "result_words"]


def codebook_words(system: SystemConfig, codebooks: Codebooks) -> list[list[int]]:
    """Words for CODEBOOK_DATA, by factor."""
    return [words.codebook_words(system, codebook) for codebook in codebooks.indices]


def query_words(registers: RegisterMap, query: Query) -> list[int]:
    """Words for QUERY_ENTRY."""
    return words.entry_words(registers, query)


def parameter_words(system: SystemConfig, parameters: RunParameters) -> list[tuple[str, int]]:
    """Registers of the run parameters that the system has, and their words."""
    parameters.check(system.core)
    return list(words.parameter_words(register_map(system), system.core, parameters).items())


def result_words(registers: RegisterMap, result: Result, tag: int = 0,
                 errors: int = 0) -> list[tuple[str, int]]:
    """Registers of a result and what they read."""
    values = {"tag": tag, "errors": errors, "stop": STOPS.index(result.stop),
              "score": result.score, "smax": result.smax, "runner_up": result.runner_up,
              "iterations": result.iterations, "cycles": result.cycles, "seed": result.seed,
              "crc": result.crc}
    values |= {f"index{f}": index for f, index in enumerate(result.indices)}
    found = []
    for register in registers:
        if register.name.startswith("RESULT"):
            if register.name.startswith("RESULT_SIMILARITY"):
                values["similarity"] = result.similarities[int(register.name[-1])]
            found.append((register.name,
                          register.pack(**{f.name: values[f.name] for f in register.fields})))
    return found
