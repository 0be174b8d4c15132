"""Bits of payloads for benches: Amaranth's own constants take forty times as long."""

from collections.abc import Callable

from amaranth.lib.data import Layout

__all__ = ["packer", "unpacker"]


def _leaves(layout: Layout, path: tuple, offset: int):
    """Path, offset and largest value of each field; signed ones are not provided for."""
    for key, field in layout:
        if isinstance(field.shape, Layout):
            yield from _leaves(field.shape, (*path, key), offset + field.offset)
        else:
            yield (*path, key), offset + field.offset, (1 << field.width) - 1


def packer(layout: Layout) -> Callable[..., int]:
    """A function that gives the bits of values, nested as ``layout`` is.

    It raises AssertionError where a field cannot hold its value.
    """
    leaves = list(_leaves(layout, (), 0))

    def bits(values) -> int:
        word = 0
        for path, offset, most in leaves:
            value = values
            for key in path:
                value = value[key]
            assert 0 <= value <= most, (path, value)
            word |= value << offset
        return word

    return bits


def unpacker(layout: Layout) -> Callable[[int], dict]:
    """A function that gives the value of each field by its path, such as ``"first.more"``."""
    leaves = [(".".join(map(str, path)), offset, most)
              for path, offset, most in _leaves(layout, (), 0)]
    return lambda word: {name: word >> offset & most for name, offset, most in leaves}
