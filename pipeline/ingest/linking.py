"""Linking: an order of a guest belongs to the account that its e-mail address has, if that is exactly one.

Loading notes of each row which address (as an id) and which account it names, in ingest.identities. Linking is a pure
function of these notes and of the lines that stand, whatever the order of loading: it runs after every load over all
files, and an address that has a second account now gives its orders back to the guest.

Messages, visits and consents stay as they were told. Which customer an id of them is that was made from an address,
ingest.aliases says, and whoever reads them asks it (features.customer_messages, customer_events, customer_consents).
"""

from __future__ import annotations

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.home.people import table_of
from pipeline.ingest.identity import find_key, set_key
from pipeline.settings import Settings
from pipeline.shapes import counted
from pipeline.tables.inputs import INPUTS

SUBJECT = "guests_of_several_accounts"
BY_ADDRESS = "known_by_address"
ID_LENGTH = 64
"""Characters of an id that was made from an address; whether it is one, the key tells."""
CONTACTS = {"messages": "event", "web_events": "event", "consents": "consent"}
"""Inputs of what services know people by an address for, and what a row of them is called."""
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


def link_addresses(engine: DuckDBEngine, settings: Settings) -> None:
    """Note which customers the ids are that contacts have by an address, and tell how many events found theirs.

    Without `people`, which has to be attached, or without a key no address is known: nothing is noted.
    """
    contacts = " UNION ALL ".join(
        f"SELECT customer_id FROM staging.{input} WHERE length(customer_id) = {ID_LENGTH}" for input in CONTACTS
    )
    is_attached = engine.scalar("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'people'")
    key = find_key(settings) if is_attached and engine.scalar(f"SELECT 1 FROM ({contacts}) AS one LIMIT 1") else None
    with engine.transaction():
        engine.execute("DELETE FROM ingest.aliases")
        engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": BY_ADDRESS})
        if key is None:
            return
        set_key(engine, key)
        engine.execute(
            f"""
            INSERT INTO ingest.aliases BY NAME
            WITH named AS MATERIALIZED (
              SELECT DISTINCT keyed(persons.email) AS alias_id, customers.customer_id
              FROM staging.customers AS customers
              JOIN {table_of(INPUTS["customers"])} AS persons USING (file_id, row_number)
              WHERE persons.email IS NOT NULL
            )
            SELECT alias_id, customer_id, count(*) OVER (PARTITION BY alias_id) AS customers
            FROM named
            WHERE alias_id IN ({contacts})
              AND alias_id NOT IN (SELECT customer_id FROM staging.customers)
              AND alias_id NOT IN (SELECT customer_id FROM staging.order_lines WHERE customer_id IS NOT NULL)
            """
        )
        for input, word in CONTACTS.items():
            _tell_by_address(engine, input, word)


def _tell_by_address(engine: DuckDBEngine, input: str, word: str) -> None:
    """Remark, on each file, how many of its rows are a customer's by the address, and how many are nobody's."""
    found = engine.execute(
        f"""
        WITH noted AS (SELECT alias_id, min(customers) AS customers FROM ingest.aliases GROUP BY alias_id),
        known AS (
          SELECT customer_id FROM staging.customers
          UNION
          SELECT customer_id FROM staging.order_lines WHERE customer_id IS NOT NULL
        )
        SELECT rows.file_id, count(*) FILTER (noted.customers = 1), count(*) FILTER (noted.customers > 1),
          count(*) FILTER (noted.alias_id IS NULL AND known.customer_id IS NULL)
        FROM staging.{input} AS rows
        LEFT JOIN noted ON noted.alias_id = rows.customer_id
        LEFT JOIN known ON known.customer_id = rows.customer_id
        WHERE rows.customer_id IS NOT NULL
        GROUP BY rows.file_id
        HAVING count(noted.alias_id) > 0
        """
    )
    for file_id, linked, shared, unknown in found:
        engine.execute(
            "INSERT INTO ingest.remarks BY NAME "
            "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
            {
                "file_id": file_id, "subject": BY_ADDRESS, "rows": shared + unknown,
                "message": f"{counted(linked, word)} found the customer by the e-mail address; {shared:,} have an "
                f"address of several customers and are nobody's; {unknown:,} name nobody of whom there is an order or "
                f"a row of customers.",
            },
        )  # fmt: skip
