"""Identity: customer ids that are made from e-mail addresses, with a key that belongs to the home.

An id is HMAC-SHA-256 of the trimmed address in lower case. The bare SHA-256 of it is what ad platforms use: whoever has
a list of addresses could tell by it who is who in every table. The key is made once and lies in .perennial/id.key; it
is in no table, manifest, log or SQL text. Without it the same addresses are other customers.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.durable import fsync
from pipeline.errors import PerennialError
from pipeline.ingest.recognise import id_sql
from pipeline.ingest.sources import Source
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS

if TYPE_CHECKING:
    from pipeline.engines.duckdb import DuckDBEngine

_BLOCK = 64  # bytes of a block of SHA-256: RFC 2104 pads the key to it
_FORM = re.compile(r"[0-9a-f]{64}")


class IdKeyError(PerennialError):
    """The key of the ids is not there, cannot be used, or is not the one the home's ids were made with."""


def makes_ids(source: Source) -> bool:
    """Whether a source makes ids from e-mail addresses, or its input keys of what is personal."""
    return "email" in source.kinds.values() or INPUTS[source.input].is_keyed


def key_file(home: Path) -> Path:
    return home / ".perennial" / "id.key"


def key_id(key: bytes) -> str:
    """By what a key is known in the ledger; it tells nothing of the key."""
    return hashlib.sha256(b"perennial id key" + key).hexdigest()[:8]


def find_key(settings: Settings) -> bytes | None:
    """The key: PERENNIAL_ID_KEY, else the home's file; None if there is none yet. Raises IdKeyError."""
    if settings.id_key is not None:
        return bytes.fromhex(settings.id_key.get_secret_value())
    file = key_file(settings.home)
    try:
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IdKeyError(f"{file} cannot be read: {type(error).__name__}. Restore it from the backup.") from None
    if not _FORM.fullmatch(text):
        raise IdKeyError(f"{file} holds no key: 64 hexadecimal digits are needed. Restore it from the backup.")
    return bytes.fromhex(text)


def make_key(home: Path) -> bytes:
    """A new key in the home, on disk for good before anything is made with it. The caller holds the home."""
    file = key_file(home)
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    text = secrets.token_hex(32)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as written:
        written.write(f"{text}\n")
    fsync(partial)
    partial.replace(file)
    fsync(file.parent)
    return bytes.fromhex(text)


def use_key(engine: DuckDBEngine, settings: Settings, sources: Iterable[Source]) -> str | None:
    """Hand the engine the key for `id_sql`; returns the key's id, None where no source makes ids from addresses.

    Raises IdKeyError where the ids in the home were made with another key, or by the bare SHA-256 of before.
    """
    if not any(map(makes_ids, sources)):
        return None
    key = find_key(settings)
    made_with = {row[0] for row in engine.execute("SELECT DISTINCT id_key FROM ingest.files WHERE id_key IS NOT NULL")}
    if key is None and made_with:
        raise IdKeyError(
            f"The key of the customer ids is missing: {key_file(settings.home)}. Restore it from the backup, or set "
            f"PERENNIAL_ID_KEY. If it is lost for good, `perennial rekey` makes a new one, and every customer who is "
            f"known by an e-mail address becomes a new one."
        )
    if key is not None and made_with - {key_id(key)}:
        raise IdKeyError(
            f"The customer ids of this home were made with another key (id {', '.join(sorted(made_with))}, this one is "
            f"{key_id(key)}): the same people would be new customers. Restore the key ({key_file(settings.home)}, or "
            f"PERENNIAL_ID_KEY), or let `perennial rekey` make all ids again."
        )
    if plain_files(engine, sources):
        raise IdKeyError(
            "Customer ids of this home are the bare SHA-256 of e-mail addresses, as earlier versions made them. Ad "
            "platforms use the same, so that whoever has a list of addresses knows who is who. Nothing was loaded; "
            "`perennial rekey --dry-run` says what has to be read again."
        )
    key = key or make_key(settings.home)
    set_key(engine, key)
    return key_id(key)


def plain_files(engine: DuckDBEngine, sources: Iterable[Source]) -> list[str]:
    """The loaded files (their ids in the ledger) whose ids are the bare SHA-256 of addresses."""
    found = []
    for source in filter(makes_ids, sources):
        input = INPUTS[source.input]
        if input.person is None:
            continue
        rows = engine.execute(
            f"""
            SELECT DISTINCT files.file_id
            FROM ingest.files AS files JOIN {input.table.full_name} AS lines USING (file_id)
            WHERE files.source = $source AND files.input = $input AND files.id_key IS NULL
              AND regexp_full_match(lines.{input.person}, '[0-9a-f]{{64}}')
            ORDER BY ALL
            """,
            {"source": source.name, "input": source.input},
        )
        found += [row[0] for row in rows]
    return found


def set_key(engine: DuckDBEngine, key: bytes) -> None:
    """Variables of the connection, and no part of any statement: an error or a plan cannot quote them."""
    padded = key.ljust(_BLOCK, b"\0")
    for name, mask in (("id_key_inner", 0x36), ("id_key_outer", 0x5C)):
        engine.execute(f"SET VARIABLE {name} = $value", {"value": bytes(byte ^ mask for byte in padded)})
    engine.execute(f"CREATE OR REPLACE TEMP MACRO keyed(told) AS {id_sql('told')}")
