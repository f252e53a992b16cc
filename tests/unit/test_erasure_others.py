"""Forgetting takes what is the person's, by whatever they were known, and nothing of anybody else."""

from __future__ import annotations

import json
from contextlib import closing

import duckdb
import polars as pl
import pytest

from pipeline.activation.ledger import FOLDER as FOLDER_OF_HOME
from pipeline.activation.ledger import opened_ledger
from pipeline.erasure.cells import Of, column_of, judged
from pipeline.erasure.forget import forget
from pipeline.erasure.person import NotOnePerson, Person, sha256
from pipeline.erasure.purge import Table
from pipeline.erasure.search import search
from pipeline.erasure.words import Is
from pipeline.home.people import people_file
from pipeline.ingest.tombstones import FOLDER, find_tombstones, tombstone
from tests.unit.test_erasure import KEY, World

ANNA = Person(
    customer_ids=("cust-1", "martin", "anna-001"), emails=("anna@gmail.com",), phones=("+48600123456", "+4520261128"),
    order_ids=("ORD-00001",),
)  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [
    "joanna@gmail.com", "hanna@gmail.com", "a.anna@gmail.com", "o'anna@gmail.com", "x+anna@gmail.com",
    "anna@gmail.com.pl", "anna@gmail.com-x.pl", "anna@gmail.comx", "+49 160 0123456", "+491600123456",
    "+43 1 600123456", "600123456789", "x600123456", "2600123456", "2026-11-28 10:00", "20261128", "28.11.2026",
    "1 600 123 456", "600 123 456.50", "cust-1-b", "a-cust-1", "cust-12", "cust-1.5", "cust-1@x.org", "martin",
    "Martin", "ORD-000011", "99ORD-00001",
])  # fmt: skip
def test_what_is_somebody_elses_is_not_found_in_text(encoding, text):
    assert not ANNA.in_text.search(text.encode(encoding))
    assert not ANNA.in_text.search(f"x; {text}; y".encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [
    "<anna@gmail.com>", "wrote to ANNA@gmail.com.", "email=anna@gmail.com&x=1", r"refused:\\nanna@gmail.com",
    "“anna@gmail.com”", "送anna@gmail.com成", "'anna@gmail.com'", "mailto:anna@gmail.com", "+48 600 123 456",
    "+48 (0) 600 123 456", "0048600123456", "tel:+48-600-123-456", "600123456", "12 600123456", "0600123456",
    "48600123456", "+45 20 26 11 28", "0045 20261128", "600–123–456", "+48 601 222 333 600123456", r"\\u2009600123456",
    "/customers/cust-1?", "cust-1.", "of CUST-1 - x", "ORD-00001",
])  # fmt: skip
def test_what_is_the_persons_is_found_in_text(encoding, text):
    text = text.replace("\\\\", "\\")
    assert ANNA.in_text.search(f"x; {text}; y".encode(encoding))
    assert b"forgotten" in ANNA.in_text.sub(b"forgotten", f"x; {text}; y".encode())


def test_what_is_cut_between_two_blocks_is_seen_whole(tmp_path):
    for place in range((1 << 22) - 40, (1 << 22) + 40, 8):
        (tmp_path / f"{place}.log").write_bytes(b" " * place + b"joanna@gmail.com anna@gmail.com.pl" + b" " * 2000)
    assert not search(tmp_path, ANNA, tmp_path / "exports").holding
    (tmp_path / "a.log").write_bytes(b" " * ((1 << 22) - 5) + b"anna@gmail.com" + b" " * 2000)
    assert search(tmp_path, ANNA, tmp_path / "exports").holding == ["a.log"]


@pytest.mark.parametrize(("name", "cell", "found"), [
    ("email", "joanna@gmail.com", Of.NOBODY), ("email", "=anna@gmail.com", Of.NOBODY),
    ("email", " Anna@Gmail.com ", Of.WHOLLY), ("email", "Anna <anna@gmail.com>", Of.WHOLLY),
    ("email", "mailto:anna@gmail.com", Of.WHOLLY), ("email", "anna@gmail.com; x@y.org", Of.PARTLY),
    ("E-Mail", "anna@gmail.com", Of.WHOLLY), ("value", "anna@gmail.com, hanna@gmail.com", Of.PARTLY),
    ("value", "martin", Of.WHOLLY), ("value", "hanna@gmail.com", Of.NOBODY),
    ("phone", "600 123 456", Of.WHOLLY), ("phone", "(600)123-456", Of.WHOLLY),
    ("Phone Number", "48600123456", Of.WHOLLY), ("phones", "[600-123-456]", Of.WHOLLY),
    ("phone", "+49 160 0123456", Of.NOBODY), ("phone", "20 26 11 28", Of.WHOLLY),
    ("ordered_at", "2026-11-28 10:00:00", Of.NOBODY), ("note", "2026-11-28", Of.POSSIBLY),
    ("amount", "600123456", Of.NOBODY), ("order_id", "600123456", Of.NOBODY), ("product_id", "600123456", Of.NOBODY),
    ("note", "call 600 123 456", Of.WHOLLY), ("note", "of ANNA@gmail.com", Of.WHOLLY),
    ("note", "anna@gmail.com and x@y.org", Of.PARTLY),
    ("customer_id", "martin", Of.WHOLLY), ("customer_id", "cust-1-b", Of.NOBODY), ("first_name", "martin", Of.NOBODY),
    ("Referred By", "martin", Of.POSSIBLY), ("Referred By", "cust-1", Of.WHOLLY), ("note", "as cust-1 said", Of.PARTLY),
    ("product_id", "cust-1", Of.NOBODY), ("order_id", "ORD-00001", Of.WHOLLY), ("order_id", "cust-1", Of.NOBODY),
])  # fmt: skip
def test_a_cell_is_judged_by_what_its_column_holds(name, cell, found):
    assert judged(column_of(name), cell, ANNA, "PL") is found


def test_a_number_without_a_code_is_one_of_the_country_of_its_row():
    table = Table.of(b"customer_id,phone,country\n")
    assert table.judged(b"a,600123456,PL\n", ANNA) is Of.WHOLLY
    assert table.judged(b"b,20261128,DK\n", ANNA) is Of.WHOLLY
    assert table.judged(b"c,600123456,FR\n", ANNA) is Of.NOBODY, "+33600123456"


def test_a_number_of_which_nobody_can_say_what_it_is_is_possible():
    assert ANNA.in_text.search(b"on 2026-11-28 at", Is.POSSIBLY) and not ANNA.in_text.search(
        b"on 2026-11-29", Is.POSSIBLY
    )


PEOPLE = "customer_id,registered_at,email,phone,first_name,last_name"


def ids_in(world: World, name: str) -> list[str]:
    path = world.home / "data" / "exports" / "perennial" / name
    return [line.partition(",")[0] for line in path.read_text().splitlines()[1:]]


def published(world: World, name: str, *lines: str) -> None:
    path = world.home / "data" / "audiences" / "2026-01-31" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    manifest = path.parent / "manifest.json"
    told = json.loads(manifest.read_text()) if manifest.exists() else {"files": []}
    target = path.relative_to(world.home).as_posix()
    told["files"].append({"path": target, "rows": len(lines) - 1, "sha256": sha256(path.read_text())})
    manifest.write_text(json.dumps(told))


def lines_of(world: World, name: str) -> list[str]:
    return (world.home / "data" / "audiences" / "2026-01-31" / name).read_text().splitlines()[1:]


def test_nobody_else_goes_along_and_the_case_is_closed(tmp_path):
    world = World(tmp_path / "home")
    world.export("people.csv", PEOPLE, "cust-1,2026-01-01,anna@gmail.com,+48600123456,Anna,A",
        "cust-1-b,2026-01-01,joanna@gmail.com,+48512000002,Joanna,B", "k3,2026-01-01,hanna@gmail.com,,Hanna,C",
        "k4,2026-01-01,anna@gmail.com.pl,,Ann,D", "k5,2026-01-01,dep@ok.de,+49 160 0123456,Dep,E",
        "martin,2026-01-01,mz@ok.org,,Zed,F", "k7,2026-01-01,mm@ok.org,,Martin,G",
        "k8,2026-01-01,dkp@ok.dk,+4520261128,Dk,H")  # fmt: skip
    world.export("orders.csv", "order_id,customer_id,ordered_at,amount", "ORD-1,cust-1,2026-01-02,10",
        "ORD-11,cust-1-b,2026-11-28 10:00:00,10", "ORD-12,k7,2026-11-28 11:00:00,10", "ORD-13,k8,2026-01-02,10",
        "ORD-14,martin,2026-01-02,10")  # fmt: skip
    world.export("not.csv", "kind,value,since", "email,hanna@gmail.com,2026-01-01", "email,anna@gmail.com,2026-01-01",
        "email,anna@gmail.com; joanna@gmail.com,2026-01-01")  # fmt: skip
    head = "Email,Phone Number,First Name"
    published(world, "all.klaviyo.csv", head, "anna@gmail.com,+48600123456,Anna", "joanna@gmail.com,,Joanna",
        "hanna@gmail.com,,Hanna", "anna@gmail.com.pl,,Ann", "dep@ok.de,+491600123456,Dep",
        "mm@ok.org,,Martin")  # fmt: skip
    world.load()
    assert forget(world.settings, "email", "anna@gmail.com", with_exports=True).is_closed
    assert ids_in(world, "people.csv") == ["cust-1-b", "k3", "k4", "k5", "martin", "k7", "k8"]
    refused = (world.home / "data/exports/perennial/not.csv").read_text().splitlines()[1:]
    assert refused == ["email,hanna@gmail.com,2026-01-01", "email,forgotten; joanna@gmail.com,2026-01-01"]
    assert [line.split(",")[0] for line in lines_of(world, "all.klaviyo.csv")] == [
        "joanna@gmail.com", "hanna@gmail.com", "anna@gmail.com.pl", "dep@ok.de", "mm@ok.org",
    ]  # fmt: skip
    assert forget(world.settings, "customer_id", "k8", with_exports=True).is_closed
    assert ids_in(world, "orders.csv") == ["ORD-11", "ORD-12", "ORD-14"], "2026-11-28 is no number of Denmark"
    assert forget(world.settings, "customer_id", "martin", with_exports=True).is_closed
    assert ids_in(world, "people.csv") == ["cust-1-b", "k3", "k4", "k5", "k7"]
    assert ids_in(world, "orders.csv") == ["ORD-11", "ORD-12"]
    with closing(duckdb.connect(str(people_file(world.settings)), read_only=True)) as connection:
        left = connection.execute("SELECT value FROM suppressions ORDER BY ALL").fetchall()
    assert left == [("hanna@gmail.com",), ("joanna@gmail.com",)]


def test_what_the_source_says_a_column_is_counts(tmp_path):
    """Of Shopify, `Name` is the order and `Email` whom it is of; a product called as the customer is nobody's."""
    world = World(tmp_path / "home")
    world.export("people.csv", PEOPLE, "martin,2026-01-01,mz@ok.org,,Zed,F")
    world.load()
    world.export("products.csv", "product_id,product_name,category", "martin,Martin,Shoes", "p2,Other,Shoes")
    case = forget(world.settings, "customer_id", "martin", with_exports=True)
    assert case.is_closed and not case.possible
    assert ids_in(world, "products.csv") == ["martin", "p2"]


def test_who_had_another_address_is_forgotten_by_that_too(tmp_path):
    """Told by an older export that is still there, and by the ledger, where it is the hash alone."""
    world = World(tmp_path / "home")
    world.export("people.csv", f"{PEOPLE},updated_at", "k1,2026-01-01,old@ok.org,600 123 456,Anna,A,2026-01-01",
        "k2,2026-01-01,k2@ok.org,,Bert,B,2026-01-01", "k3,2026-01-01,was-mine@ok.org,,Cleo,C,2026-01-01")  # fmt: skip
    world.load()
    world.export("people-2.csv", f"{PEOPLE},updated_at", "k1,2026-01-01,new@ok.org,601 999 888,Anna,A,2026-01-05",
        "k2,2026-01-01,was-mine@ok.org,,Bert,B,2026-01-05", "k3,2026-01-01,k3@ok.org,,Cleo,C,2026-01-05")  # fmt: skip
    world.load()
    hashed = {mail: sha256(mail) for mail in ("old@ok.org", "older@ok.org", "k2@ok.org")}
    with opened_ledger(world.settings) as ledger:
        for platform, name, value in (
            ("klaviyo", "Email", "oldest@ok.org"),
            ("google", "Email", hashed["older@ok.org"]),
        ):
            ledger.execute(
                "INSERT INTO deliveries BY NAME SELECT $platform AS platform, $place AS place, 'all' AS audience, "
                "'k1' AS customer_id, $identifiers AS identifiers, '' AS content, 'delivered' AS state",
                {"platform": platform, "place": FOLDER_OF_HOME, "identifiers": json.dumps({name: value})},
            )  # fmt: skip
    published(world, "all.klaviyo.csv", "Email,Phone Number", "old@ok.org,+48600123456", "k2@ok.org,", "oldest@ok.org,",
        "was-mine@ok.org,")  # fmt: skip
    published(world, "all.google.csv", "Email,Phone", *(f"{one}," for one in hashed.values()))
    assert forget(world.settings, "customer_id", "k1", with_exports=True).is_closed
    assert lines_of(world, "all.klaviyo.csv") == ["k2@ok.org,", "was-mine@ok.org,"]
    assert lines_of(world, "all.google.csv") == [f"{hashed['k2@ok.org']},"]
    stones = find_tombstones(world.settings).erased_on
    for kind, value in (("email", "old@ok.org"), ("email", "new@ok.org"), ("email", "oldest@ok.org"),
                        ("phone", "+48600123456"), ("phone", "+48601999888")):  # fmt: skip
        assert (kind, tombstone(KEY.encode(), kind, value)) in stones  # type: ignore[arg-type]
    assert len(list((world.home / FOLDER).glob("*.json"))) == 1
    # what was Cleo's and is Bert's is not Cleo's alone; named by an earlier address, she is found
    assert forget(world.settings, "email", "k3@ok.org", with_exports=True).is_closed
    assert ids_in(world, "people.csv") == ["k2"] == ids_in(world, "people-2.csv")
    assert lines_of(world, "all.klaviyo.csv") == ["k2@ok.org,", "was-mine@ok.org,"]


def test_who_is_named_by_an_earlier_address_is_found_and_one_of_several_is_not(tmp_path):
    world = World(tmp_path / "home")
    world.export("people.csv", f"{PEOPLE},updated_at", "k1,2026-01-01,old@ok.org,,Anna,A,2026-01-01",
        "k2,2026-01-01,both@ok.org,,Bert,B,2026-01-01", "k3,2026-01-01,both@ok.org,,Cleo,C,2026-01-01")  # fmt: skip
    world.load()
    world.export("people-2.csv", f"{PEOPLE},updated_at", "k1,2026-01-01,new@ok.org,,Anna,A,2026-01-05",
        "k2,2026-01-01,k2@ok.org,,Bert,B,2026-01-05", "k3,2026-01-01,k3@ok.org,,Cleo,C,2026-01-05")  # fmt: skip
    world.load()
    with pytest.raises(NotOnePerson):
        forget(world.settings, "email", "both@ok.org")
    assert forget(world.settings, "email", "old@ok.org", with_exports=True).is_closed
    assert ids_in(world, "people-2.csv") == ["k2", "k3"] == ids_in(world, "people.csv")


def test_of_an_address_of_two_the_row_of_who_is_forgotten_goes(tmp_path):
    world = World(tmp_path / "home")
    world.export(
        "people.csv", PEOPLE, "a1,2026-01-01,family@ok.org,,Alpha,Secret", "b1,2026-01-01,family@ok.org,,Beta,Secret"
    )
    world.load()
    head, theirs = "Email,Phone Number,First Name,Last Name", "family@ok.org,,Beta,Secret"
    for name, members, row in (
        ("first", ("a1", "b1"), "family@ok.org,,Alpha,Secret"), ("second", ("a1", "b1"), theirs),
        ("alone", ("a1",), "family@ok.org,,,"),
        ("other", ("b1",), "family@ok.org,,,"), ("nameless", ("a1", "b1"), "family@ok.org,,,"),
    ):  # fmt: skip
        published(world, f"{name}.csv", "customer_id,orders", *(f"{one},1" for one in members))
        published(world, f"{name}.klaviyo.csv", head, row)
    published(world, "google.csv", "customer_id,orders", "a1,1", "b1,1")
    published(world, "google.google.csv", "Email,Phone,First Name", f"{sha256('family@ok.org')},,{sha256('alpha')}")
    assert forget(world.settings, "customer_id", "a1", with_exports=True).is_closed
    left = {name: lines_of(world, f"{name}.klaviyo.csv") for name in ("first", "second", "alone", "other", "nameless")}
    assert left == {"first": [], "second": [theirs], "alone": [], "other": ["family@ok.org,,,"], "nameless": []}
    assert lines_of(world, "google.google.csv") == []
    assert ids_in(world, "people.csv") == ["b1"]


def test_bodies_of_requests_lose_the_objects_of_who_is_forgotten(tmp_path):
    """Theirs, and of an address of two the one that is theirs; nobody else's, and the manifest counts anew."""
    world = World(tmp_path / "home")
    world.export("people.csv", PEOPLE, "a1,2026-01-01,anna@ok.org,+48600123456,A,A", "b1,2026-01-01,bert@ok.org,,B,B",
        "c1,2026-01-01,family@ok.org,,Cleo,C", "d1,2026-01-01,family@ok.org,,Dora,D")  # fmt: skip
    world.load()

    def member(**told: str) -> dict[str, object]:
        return {"userData": {"userIdentifiers": [{name: sha256(value)} for name, value in told.items()]}}

    rest = [member(emailAddress="bert@ok.org"), member(emailAddress="joanna@ok.org")]
    gone = [member(emailAddress="anna@ok.org", phoneNumber="+48600123456"), member(emailAddress="family@ok.org")]
    published(world, "all.csv", "customer_id,orders", *(f"{id},1" for id in ("a1", "b1", "c1")))
    told = {"audienceMembers": [gone[0], rest[0], gone[1], rest[1]], "encoding": "HEX"}
    published(world, "all.google_data_manager.json", json.dumps(told))
    for place, other in enumerate(("[1]", "{}", '{"audienceMembers": [{"us')):  # somebody else's, and a damaged one
        published(world, f"other{place}.tool.json", other)
    for id in ("a1", "c1"):
        assert forget(world.settings, "customer_id", id, with_exports=True).is_closed
    file = world.home / "data" / "audiences" / "2026-01-31" / "all.google_data_manager.json"
    assert json.loads(file.read_text()) == told | {"audienceMembers": rest}
    entries = json.loads((file.parent / "manifest.json").read_text())["files"]
    assert entries[1]["rows"] == 2 and entries[1]["sha256"] == sha256(file.read_text())


def test_the_search_is_as_strict_as_the_purge_in_databases_and_packed_files(tmp_path):
    with closing(duckdb.connect(str(tmp_path / "a.duckdb"))) as connection:
        connection.execute("CREATE TABLE t AS SELECT 'joanna@gmail.com' AS email, 'Martin' AS first_name, "
                           "'cust-1-b' AS customer_id, ['hanna@gmail.com'] AS told, '2026-11-28' AS day")  # fmt: skip
    with closing(duckdb.connect(str(tmp_path / "b.duckdb"))) as connection:
        connection.execute("CREATE TABLE t AS SELECT ['x@y.org', 'anna@gmail.com'] AS told")
    pl.DataFrame({"email": ["joanna@gmail.com"], "note": ["anna@gmail.com.pl"]}).write_parquet(tmp_path / "c.parquet")
    found = search(tmp_path, ANNA, tmp_path / "exports")
    assert found.holding == ["b.duckdb"] and not found.unreadable
