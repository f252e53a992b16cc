"""Words: where a person's identifiers stand in text, whole and not as part of somebody else's.

Candidates are found as bytes, in several encodings at once and however a number is divided. Each is then judged by what
stands around it: joanna@gmail.com is not anna@gmail.com, nor is 2026-11-28 a number of Denmark.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum

_BYTEWISE = ("utf-8", "cp1250", "cp1252", "iso-8859-2")
"""Encodings in which a sign of ASCII is one byte: UTF-8, and what old programs write instead."""
_SEPARATORS = {
    "utf-8": rb"(?:[ ./()\xa0-]|\xc2\xa0|\xe2\x80[\x80-\x95\xaf])*",
    "utf-16-le": rb"(?:[ ./()\xa0-]\x00|[\x00-\x15\x2f]\x20)*",
    "utf-16-be": rb"(?:\x00[ ./()\xa0-]|\x20[\x00-\x15\x2f])*",
}
"""Between the digits of a number, by encoding: also blanks that do not break, and dashes."""
_BETWEEN = r"[\d ./()\u00a0\u2000-\u2015\u202f-]"
_LEAD = re.compile(rf"(\+?)({_BETWEEN}*)$")
"""What of a longer number may stand before a candidate."""
_AT_END = re.compile(r"\d*$")
_NEXT = re.compile(r"[ ./()\u00a0\u2000-\u2015\u202f-]+\d")
_ESCAPED = re.compile(r"(?:\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2})$")
"""Signs that JSON and addresses of pages write with letters and digits."""
_DATE = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d\d"
)
AROUND = 128
"""Bytes before and behind a candidate that are looked at."""
LEAST_DIGITS = 9
"""Of a number that is no date, without the code of its country: shorter ones are amounts and ids as often."""


class Is(IntEnum):
    """Whether a text is of the person."""

    NOT = 0
    POSSIBLY = 1
    SURELY = 2


class Words:
    """What is looked for: `addresses` as they stand, `numbers` as national digits -> codes of countries, `ids` that are
    nothing else wherever they stand, and `doubtful` ids, which may be.
    """

    def __init__(
        self, addresses: Iterable[str], numbers: Mapping[str, Sequence[str]], ids: Iterable[str],
        doubtful: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self._numbers = numbers
        kinds, narrow, wide = list[bytes](), list[bytes](), list[bytes]()
        for encoding, between in _SEPARATORS.items():
            name = encoding.replace("-", "_").encode()
            digits = [between.join(re.escape(one.encode(encoding)) for one in number) for number in numbers]
            for kind, found in (
                (b"address", _written(addresses, encoding)), (b"number", digits), (b"id", _written(ids, encoding)),
                (b"doubtful", _written(doubtful, encoding)),
            ):  # fmt: skip
                if found:
                    forms = sorted(found, key=len, reverse=True)
                    (narrow if encoding == "utf-8" else wide).extend(forms)
                    kinds.append(b"(?P<" + kind + b"_" + name + b">" + b"|".join(forms) + b")")
        # Alternatives without groups are looked for by their first bytes, which is many times as fast.
        self._narrow, self._any, self._kinds = (
            re.compile(b"|".join(forms) if forms else rb"(?!)") for forms in (narrow, narrow + wide, kinds)
        )

    def may_stand_in(self, content: bytes) -> bool:
        """Whether there is anything to judge."""
        return self._candidates(content).search(content.lower()) is not None

    def search(
        self, content: bytes, at_least: Is = Is.SURELY, explicit: bool = False, first: int = 0, last: int | None = None
    ) -> bool:  # fmt: skip
        """`explicit`: numbers with the code of their country alone, and no ids. `first`, `last`: between which bytes of
        the content it begins."""
        return next(self._found(content, at_least, explicit, first, last), None) is not None

    def sub(self, replacement: bytes, content: bytes) -> bytes:
        pieces, end = list[bytes](), 0
        for found in self._found(content, Is.SURELY):
            encoding = _encoding(found)
            pieces += [content[end : found.start()], replacement.decode().encode(encoding)]
            end = found.end()
        return b"".join((*pieces, content[end:]))

    def _candidates(self, content: bytes) -> re.Pattern[bytes]:
        return self._any if b"\0" in content else self._narrow

    def _found(
        self, content: bytes, at_least: Is, explicit: bool = False, first: int = 0, last: int | None = None
    ) -> Iterator[re.Match[bytes]]:  # fmt: skip
        candidates, lowered, at = self._candidates(content), content.lower(), first
        while candidate := candidates.search(lowered, at):
            if last is not None and candidate.start() >= last:
                return
            found = self._kinds.match(lowered, candidate.start())
            assert found is not None
            if self._judged(content, found, explicit) >= at_least:
                yield found
                at = found.end()
            else:
                at = found.start() + 1

    def _judged(self, content: bytes, found: re.Match[bytes], explicit: bool) -> Is:
        encoding, kind = _encoding(found), str(found.lastgroup).partition("_")[0]
        start, end = found.span()
        before, behind = content[max(0, start - AROUND) : start], content[end : end + AROUND]
        if encoding != "utf-8":  # half a sign: what is read as big-endian may be little-endian, and the reverse
            before, behind = b"\0" * (len(before) % 2) + before, behind + b"\0" * (len(behind) % 2)
        return self._weighed(
            kind, _ESCAPED.sub(" ", _text(before, encoding)), _text(found[0], encoding), _text(behind, encoding),
            explicit,
        )  # fmt: skip

    def _weighed(self, kind: str, before: str, told: str, behind: str, explicit: bool) -> Is:
        if kind == "number":
            return self._number(before, told, behind, explicit)
        if kind == "address":
            return Is.SURELY if _is_address(before, behind) else Is.NOT
        if explicit or not _is_word(before, behind):
            return Is.NOT
        return Is.SURELY if kind == "id" else Is.POSSIBLY

    def _number(self, before: str, told: str, behind: str, explicit: bool) -> Is:
        national = re.sub(r"\D", "", told)
        codes = self._numbers[national]
        if behind[:1].isalnum() or behind[:1] == "_":
            return Is.NOT
        is_whole = len(told) == len(national)
        goes_on = _NEXT.match(behind) is not None and not (is_whole and behind[0].isspace())
        lead = _LEAD.search(before)
        assert lead is not None
        plus, digits = lead[1], re.sub(r"\D", "", lead[2])
        at_end = _AT_END.search(before)
        assert at_end is not None
        glued = at_end[0]
        if any(digits in (code, f"{code}0") for code in codes if plus) or any(
            digits in (f"00{code}", f"00{code}0", f"011{code}") for code in codes
        ):
            return Is.POSSIBLY if goes_on else Is.SURELY
        if plus and not (before[-1:].isspace() and _is_number(f"+{digits}")):
            return Is.NOT  # a number of another country
        has_code = glued in codes and bool(glued)
        if glued not in ("", "0") and not has_code:
            return Is.NOT
        bare = before[: len(before) - len(glued)]
        if bare[-1:].isalpha() or bare[-1:] == "_":
            return Is.NOT
        if explicit:
            return Is.NOT
        others = digits[: len(digits) - len(glued)]
        is_apart = not others or (is_whole and bare[-1:].isspace())
        if goes_on or not is_apart:
            return Is.POSSIBLY
        if not has_code and (len(national) < LEAST_DIGITS or _DATE.match(national)):
            return Is.POSSIBLY
        return Is.SURELY


def _is_number(text: str) -> bool:
    import phonenumbers

    with suppress(phonenumbers.NumberParseException):
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(text)))
    return False


def _is_letter(sign: str) -> bool:
    """One that a word of Latin, Greek or Cyrillic letters goes on with; those of scripts without blanks do not."""
    return bool(sign) and (
        sign.isdigit() or sign.lower() != sign.upper() or sign == "ß" or unicodedata.category(sign)[0] == "M"
    )


def _is_address(before: str, behind: str) -> bool:
    """Whether no local part begins earlier and no domain ends later. Of the signs that a local part may have, those
    that stand between words in texts (= / | ?) are none of it.
    """
    last, domain = before[-1:], behind.lstrip("-.")
    if _is_letter(last) or (last and last in "._%+-") or (last and last in "'!#$&*^`{}~" and _is_letter(before[-2:-1])):
        return False
    glued = behind[: len(behind) - len(domain)]
    return not (_is_letter(domain[:1]) and (not glued or glued == "." or set(glued) == {"-"}))


def _is_word(before: str, behind: str) -> bool:
    """Whether an id neither begins earlier nor goes on: cust-1 does not stand in cust-1-b."""
    joints = "-._@+"

    def goes_on(next_to: str, after: str) -> bool:
        return _is_letter(next_to) or next_to == "_" or (bool(next_to) and next_to in joints and _is_letter(after))

    return not (goes_on(before[-1:], before[-2:-1]) or goes_on(behind[:1], behind[1:2]))


def _encoding(found: re.Match[bytes]) -> str:
    return str(found.lastgroup).partition("_")[2].replace("_", "-")


def _text(content: bytes, encoding: str) -> str:
    """As UTF-8, where it is any but for signs that were cut at its ends."""
    if encoding != "utf-8":
        return content.decode(encoding, "replace")
    for first in range(4):
        for last in range(4):
            with suppress(UnicodeDecodeError):
                return content[first : len(content) - last].decode()
    return content.decode("cp1252", "replace")


def _written(texts: Iterable[str], encoding: str) -> list[bytes]:
    """Patterns of texts in an encoding, composed and not; utf-8 stands for all of one byte a sign. What is not ASCII
    is in capital letters, too, since a pattern of bytes does not know which are the same.
    """
    found = dict[bytes, None]()
    for text in texts:
        cases = (text,) if text.isascii() else (text, text.lower(), text.upper())
        for form in {unicodedata.normalize(kind, case): None for case in cases for kind in ("NFC", "NFD")}:
            for one in _BYTEWISE if encoding == "utf-8" else (encoding,):
                with suppress(UnicodeEncodeError):
                    found[re.escape(form.encode(one).lower())] = None
    return list(found)
