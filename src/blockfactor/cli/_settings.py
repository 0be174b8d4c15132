"""The argument ``--set FIELD=VALUE``: changes of a core's configuration."""

__all__ = ["core_changes"]


def core_changes(texts) -> dict[str, object]:
    """Changes for ``CoreConfig.replace`` from texts such as ``query_entries=1``.

    A number may be in any base Python writes; ``engines`` takes names with commas between them;
    ``codebook=none`` is no file.

    Raises
    ------
    ConfigError
        Naming text or field; values are checked by ``replace``.
    """
    from ..config import CoreConfig
    from ..errors import ConfigError

    defaults = CoreConfig().to_table() | {"codebook": None}
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{text!r} is not FIELD=VALUE, such as query_entries=1")
        if name not in defaults:
            raise ConfigError(f"no field {name!r} in CoreConfig; fields are {', '.join(defaults)}")
        if name in found:
            raise ConfigError(f"field {name} is set twice")
        if isinstance(defaults[name], int):
            try:
                found[name] = int(value, 0)
            except ValueError:
                raise ConfigError(f"{name} {value!r} is not an integer in "
                                  "{}..{}".format(*CoreConfig.RANGES[name])) from None
        elif isinstance(defaults[name], list):
            found[name] = tuple(value.split(","))
        else:
            found[name] = None if name == "codebook" and value == "none" else value
    return found
