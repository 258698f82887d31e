"""Text of unknown making."""

from __future__ import annotations

import codecs

from latune.music.reading.tune import TuneError

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
OLD = {"Windows-1252": "cp1252", "Latin-1": "latin-1"}  # the first has no letter for five bytes, the second one for all


def decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """A text, and a remark where it is no UTF: a mark at its beginning says which, without one it is UTF-8.

    Raises:
        TuneError: for a text that begins as UTF-16 and is damaged.

    >>> decoded("Feij\\u00f3o \\u2013 1".encode("cp1252"))
    ('Feij\\xf3o \\u2013 1', ('read as Windows-1252, since it is no UTF-8',))
    """
    mark = next((mark for mark in MARKS if content.startswith(mark)), b"")
    encoding = MARKS.get(mark, "utf-8")
    content = content[len(mark) :]
    try:
        return content.decode(encoding), ()
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise TuneError("a damaged file", "It begins as UTF-16, and has letters that are none.") from error
    for name, old in OLD.items():
        try:
            return content.decode(old), (f"read as {name}, since it is no UTF-8",)
        except UnicodeDecodeError:
            continue
    raise AssertionError("Latin-1 has a letter for every byte")
