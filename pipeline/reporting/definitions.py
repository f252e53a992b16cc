"""What the words of the report mean: docs/definitions.md as HTML, in chapters, with an anchor for every term.

A term is a heading, what stands bold at the beginning of a paragraph, or the first cell of a row of a table. Raw HTML
is shown as it is written; links to other documents, which the report does not have, are plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.settings import PROJECT

_FILE = PROJECT / "docs" / "definitions.md"
_HERE = "definitions.md"
_BLOCKS = ("list_item_open", "tr_open", "paragraph_open")
"""What a search finds: each is shown or hidden as a whole."""


@dataclass(frozen=True)
class Chapter:
    anchor: str
    title: str
    html: str


@dataclass(frozen=True)
class Definitions:
    chapters: tuple[Chapter, ...]
    terms: frozenset[str]
    """Anchors that a page may lead to."""


@cache
def definitions() -> Definitions:
    """Read once; the file travels with the code."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_FILE.read_text(encoding="utf-8"))
    terms = _anchored(tokens)
    for token in tokens:
        if token.children:
            token.children = list(_without_dead_links(token.children, terms))
    heads = [place for place, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    chapters = [
        Chapter(
            str(tokens[start].attrs["id"]),
            tokens[start + 1].content,
            markdown.renderer.render(tokens[start + 3 : end], markdown.options, {}),
        )
        for start, end in pairwise([*heads, len(tokens)])
    ]
    return Definitions(tuple(chapters), frozenset(terms))


def _anchored(tokens: Sequence[Token]) -> set[str]:
    """Give each term its anchor, the first of a name; chapters before all others."""
    terms: set[str] = {"content"}  # that of the page itself

    def mark(token: Token, name: str | None) -> None:
        anchor = _slug(name or "")
        if anchor and anchor not in terms:
            terms.add(anchor)
            token.attrSet("id", anchor)

    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            mark(token, inline.content)
    block = None
    is_head = False
    for place, token in enumerate(tokens):
        if token.type in ("thead_open", "thead_close"):
            is_head = token.type == "thead_open"
        if token.type in _BLOCKS and not (token.type == "paragraph_open" and token.level):
            block = token
            if not is_head:
                token.attrSet("data-column", "")
        elif token.type == "inline" and block is not None:
            is_first = tokens[place - 1].type in ("td_open", "paragraph_open") and "id" not in block.attrs
            if is_first and (name := _term(token, tokens[place - 1].type == "td_open")):
                mark(block, name)
            if tokens[place - 1].type == "td_open":
                block = None  # a row is called by its first cell
    return terms - {"content"}


def _term(inline: Token, is_cell: bool) -> str | None:
    children = [child for child in inline.children or () if child.type != "text" or child.content]
    if is_cell:
        return inline.content
    if children and children[0].type == "strong_open":
        end = next(place for place, child in enumerate(children) if child.type == "strong_close")
        return "".join(child.content for child in children[:end])
    return None


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _without_dead_links(children: Sequence[Token], terms: set[str]) -> Iterator[Token]:
    is_dead = False
    for child in children:
        if child.type == "link_open":
            document, _, anchor = str(child.attrs["href"]).partition("#")
            is_dead = document not in ("", _HERE) or anchor not in terms
            child.attrSet("href", f"#{anchor}")
        if not (is_dead and child.type in ("link_open", "link_close")):
            yield child
