"""Errors a user's input can cause; each message names the thing, the value and what is allowed."""

import operator

__all__ = [
    "BlockfactorError",
    "CodebookError",
    "ConfigError",
    "ParameterError",
    "QueryError",
    "StudyError",
    "check_choice",
    "check_int",
    "check_number",
]


class BlockfactorError(ValueError):
    """Base of all errors a user's input can cause."""

    #: Exit status of a command that it ends.
    status = 2


class ConfigError(BlockfactorError):
    """A configuration that cannot be built."""


class ParameterError(BlockfactorError):
    """A run parameter outside its range, or one the core cannot run."""


class CodebookError(BlockfactorError):
    """A codebook, or a file of one, that is wrong."""


class QueryError(BlockfactorError):
    """A query, or a file of queries, that is wrong."""


class StudyError(BlockfactorError):
    """A study that cannot be made, or a file of one that is wrong."""


def check_int(name: str, value, low: int, high: int,
              error: type[BlockfactorError] = BlockfactorError) -> int:
    """Return ``value`` as an int in ``low..high``, or raise ``error``.

    Anything with ``__index__`` is an integer, so NumPy's are; a bool or a float is not.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise error(f"{name} {value!r} is not an integer in {low}..{high}")
    if not low <= number <= high:
        raise error(f"{name} {number} is outside {low}..{high}")
    return number


def check_number(name: str, value, low: float, high: float,
                 error: type[BlockfactorError] = BlockfactorError) -> float:
    """Return ``value`` as a float in ``low..high``, or raise ``error``; NaN is outside."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise error(f"{name} {value!r} is not a number in {low}..{high}") from None
    if not low <= number <= high:
        raise error(f"{name} {number:g} is outside {low}..{high}")
    return number


def check_choice(name: str, value, choices, error: type[BlockfactorError] = BlockfactorError):
    """Return ``value`` if it is one of ``choices``, or raise ``error``."""
    if value not in choices:
        raise error(f"{name} {value!r} is not one of {', '.join(map(str, choices))}")
    return value
