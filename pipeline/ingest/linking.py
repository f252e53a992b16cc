"""Linking: an order of a guest belongs to the account that its e-mail address has, if that is exactly one.

Loading notes of each row which address (as an id) and which account it names, in ingest.identities. Linking is a pure
function of these notes and of the lines that stand, whatever the order of loading: it runs after every load over all
files, and an address that has a second account now gives its orders back to the guest.
"""

from __future__ import annotations

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.settings import Settings

SUBJECT = "guests_of_several_accounts"
_LINES = "staging.order_lines"
_AT = "(file_id, row_number) IN (SELECT file_id, row_number FROM relinked)"


def link_guests(engine: DuckDBEngine, settings: Settings) -> None:
    """Give every order of a guest its customer; what changes is noted, so that tables are rebuilt for it."""
    if not engine.execute("SELECT count(*) FROM ingest.identities")[0][0]:
        return
    engine.execute(f"CREATE OR REPLACE TEMP TABLE addresses AS {_addresses(settings)}")
    engine.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE relinked AS
        SELECT DISTINCT lines.file_id, lines.row_number,
          CASE WHEN addresses.accounts = 1 THEN addresses.account_id ELSE named.guest_id END AS customer_id
        FROM ingest.identities AS named
        JOIN {_LINES} AS lines ON lines.file_id = named.file_id AND lines.row_number = named.row_number
        JOIN ingest.files AS files ON files.file_id = named.file_id
        LEFT JOIN addresses ON addresses.source = files.source AND addresses.guest_id = named.guest_id
        WHERE named.account_id IS NULL
          AND lines.customer_id IS DISTINCT FROM
            CASE WHEN addresses.accounts = 1 THEN addresses.account_id ELSE named.guest_id END
        """
    )
    with engine.transaction():
        if engine.execute("SELECT count(*) FROM relinked")[0][0]:
            engine.note_changes(_LINES, _AT, {})
            engine.execute(
                f"UPDATE {_LINES} AS lines SET customer_id = relinked.customer_id FROM relinked "
                "WHERE lines.file_id = relinked.file_id AND lines.row_number = relinked.row_number"
            )
            engine.note_changes(_LINES, _AT, {})
        _remark(engine)
    for table in ("addresses", "relinked"):
        engine.execute(f"DROP TABLE temp.{table}")


def _addresses(settings: Settings) -> str:
    """SQL: the addresses of each source that have accounts, and how many; of orders that stand in the warehouse."""
    linked = settings.link_guests
    sources = {} if isinstance(linked, bool) else linked
    chosen = " ".join(f"WHEN '{name.replace(chr(39), chr(39) * 2)}' THEN {wanted}" for name, wanted in sources.items())
    wanted = f"CASE files.source {chosen} ELSE TRUE END" if chosen else str(bool(linked) or linked == {})
    return f"""
        SELECT files.source, named.guest_id, count(DISTINCT named.account_id) AS accounts,
          min(named.account_id) AS account_id
        FROM ingest.identities AS named
        JOIN ingest.files AS files ON files.file_id = named.file_id
        WHERE named.account_id IS NOT NULL AND {wanted}
          AND (named.file_id, named.row_number) IN (SELECT file_id, row_number FROM {_LINES})
        GROUP BY files.source, named.guest_id
    """


def _remark(engine: DuckDBEngine) -> None:
    """Files with orders of guests whose address has several accounts: nobody can tell which is meant."""
    engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": SUBJECT})
    engine.execute(
        f"""
        INSERT INTO ingest.remarks BY NAME
        SELECT named.file_id, $subject AS subject, count(*) AS rows,
          'Orders without an account whose e-mail address has several accounts: ' || count(DISTINCT named.guest_id)
          || ' addresses, ' || count(*) || ' rows. Each such address stays a customer of its own; merge its accounts '
          || 'in the shop and export again.' AS message
        FROM ingest.identities AS named
        JOIN ingest.files AS files ON files.file_id = named.file_id
        JOIN addresses ON addresses.source = files.source AND addresses.guest_id = named.guest_id
        WHERE named.account_id IS NULL AND addresses.accounts > 1
          AND (named.file_id, named.row_number) IN (SELECT file_id, row_number FROM {_LINES})
        GROUP BY named.file_id
        """,
        {"subject": SUBJECT},
    )
