"""What of a generated C file is code."""

import re

__all__ = ["code_of"]


def code_of(text: str) -> str:
    """A file without comments and the generator's version, its words one space apart."""
    return " ".join(re.sub(r"/\*(?s:.*?)\*/|#define \w+_VERSION_RESET.*", "", text).split())
