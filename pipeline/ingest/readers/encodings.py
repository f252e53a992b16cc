"""Encodings: in which one a text is written, and the same text in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import ExportError
from pipeline.ingest.readers.files import EVIDENCE
from pipeline.ingest.readers.text import CHUNK, SAMPLE, UTF_8, Text, scratch_folder

_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CODE_PAGES = ("cp1252", "cp1250")


def encoding_of_sample(text: Text) -> str:
    """By the byte order mark, else UTF-16 by its zeros, else UTF-8 unless the text is none. Refuses binary data."""
    with text.bytes() as stream:
        sample = stream.read(SAMPLE)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return encoding
    if sample.count(0) > len(sample) * 0.3:
        return "utf-16-le" if sample[1::2].count(0) > sample[0::2].count(0) else "utf-16-be"
    controls = sum(sample.count(code) for code in range(32) if chr(code) not in "\t\n\r")
    if controls > len(sample) * 0.05:
        raise ExportError(f"{text.path.name} is no text: it holds binary data. Export it as CSV in UTF-8.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return code_page_of_all(text) or "utf-8"
    return "utf-8"


def code_page_of_all(text: Text) -> str | None:
    """Windows-1250 or -1252, if the file is no UTF-8; None for UTF-8, also where single bytes of it are broken.

    Text of a code page hardly ever holds a sequence of bytes that is valid UTF-8 beyond ASCII, so the majority decides.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid, broken, evidence = 0, 0, b""
    with text.bytes() as stream:
        while chunk := stream.read(CHUNK):
            if chunk.isascii() and not decoder.getstate()[0]:
                continue
            decoded = decoder.decode(chunk)
            strange = [character for character in decoded if character > "\x7f"]
            escaped = sum("\udc80" <= character <= "\udcff" for character in strange)
            broken += escaped
            valid += len(strange) - escaped
            if escaped and len(evidence) < EVIDENCE:
                evidence += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:EVIDENCE]
    return _code_page(evidence) if broken > valid else None


def _code_page(evidence: bytes) -> str | None:
    """The code page in which the bytes are words. Where both are, language decides, and without evidence Western.

    Polish ł is ³ in the other page and ą is ¹: a sign in the middle of a word tells more than statistics on few words.
    """
    readings = {}
    for page in _CODE_PAGES:
        try:
            readings[page] = evidence.decode(page)
        except UnicodeDecodeError:
            continue
    if len(set(readings.values())) < 2:
        return next(iter(readings), None)
    signs = {page: _signs_in_words(reading) for page, reading in readings.items()}
    if signs["cp1252"] != signs["cp1250"]:
        return min(signs, key=lambda page: signs[page])
    from charset_normalizer import from_bytes

    found = {match.encoding: match.coherence for match in from_bytes(evidence, cp_isolation=list(_CODE_PAGES))}
    return "cp1250" if found.get("cp1250", 0) > found.get("cp1252", 0) and "cp1252" in found else "cp1252"


def _signs_in_words(reading: str) -> int:
    """How many characters beyond ASCII are no letters although a letter stands beside them."""
    padded = f" {reading} "
    beside = zip(padded, padded[1:], padded[2:], strict=False)
    return sum(
        middle > "\x7f" and not middle.isalpha() and (before.isalpha() or after.isalpha())
        for before, middle, after in beside
    )


@contextmanager
def in_utf8(text: Text, scratch: Path | None) -> Iterator[Text]:
    """The text as it lies, if it is UTF-8 from the header on; else a copy that is, for as long as it is read."""
    if text.dialect.encoding in UTF_8 and not text.above:
        yield text
        return
    with scratch_folder(scratch) as folder:
        copy = folder / text.path.name
        with text.open() as given, copy.open("w", encoding="utf-8", newline="") as file:
            while chunk := given.read(CHUNK):
                file.write(chunk.removeprefix("\ufeff"))
        yield Text(copy, "none", text.dialect.but(encoding="utf-8"))
