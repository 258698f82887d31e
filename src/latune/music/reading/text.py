"""Text of unknown making."""

from __future__ import annotations

LATIN = "read as Latin-1, since it is no UTF-8"


def decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """A text, and a remark where it is no UTF-8.

    >>> decoded("Feij\\u00f3o".encode("latin-1"))
    ('Feij\\xf3o', ('read as Latin-1, since it is no UTF-8',))
    """
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return content.decode("latin-1"), (LATIN,)
