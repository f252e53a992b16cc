"""Audiences for platforms: who may be told of, and how the files look that systems take in."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from drop_folder import Home

from pipeline.activation.coverage import as_entry, consent_coverage, coverage_before
from pipeline.activation.outputs import write_audiences
from pipeline.activation.terms import STEPS, Gate, Waterfall, granted
from pipeline.definitions import build_defs
from pipeline.errors import PerennialError
from pipeline.home.people import people_attached
from pipeline.models.control_groups import bucket
from pipeline.places import audience_folder
from pipeline.sections.activation import Consent, Terms
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.audiences import Audience, on_terms, read_audience
from pipeline.tables.header import HeaderError
from pipeline.tables.platforms import PATTERNS, platforms

DAY = dt.date(2026, 3, 31)
PEOPLE = "customer_id,registered_at,email,phone,first_name,last_name,city,region,zip,country,language"
CONSENTS = "customer_id,purpose,channel,status,changed_at"
CONSENTS_ONLY = "customer_id,channel,status,changed_at"
EVERYBODY = """/*
title: Everybody
description: Everybody who registered, and what they are worth.
owner: team:crm
catalogue: all
csv: true
{terms}columns:
  customer_id: {{type: VARCHAR, meaning: Customer of the shop}}
  worth:       {{type: BIGINT, meaning: Letters of the name}}
  note:        {{type: VARCHAR, meaning: A text that begins like a formula}}
*/
SELECT customer_id, length(customer_id) AS worth, '=1+1' AS note FROM staging.customers
"""
ADS = "".join(f"{{id}},{purpose},ads,granted,2026-01-01\n" for purpose in ("ads", "ad_user_data", "ad_personalization"))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


class Written:
    """What was written for platforms: the files by name, and who was left out."""

    def __init__(self, home: Home, audience: Audience, holdout_share: float = 0.0) -> None:
        folder = home.path / "out"
        folder.mkdir(exist_ok=True)
        with people_attached(home.engine, home.now()):
            self.outputs, self.waterfalls = write_audiences(
                home.engine, [audience], DAY, lambda target: folder / Path(target).name, holdout_share
            )
        self.files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.[cj]s*")}

    def rows(self, platform: str) -> list[dict[str, str]]:
        text = self.files[f"everybody.{platform}.csv"]
        return list(csv.DictReader(io.StringIO(text), delimiter=platforms()[platform].header.separator))

    def of(self, platform: str | None) -> dict[str, int]:
        (one,) = [one for one in self.waterfalls if one.platform == platform]
        assert set(one.steps) == set(STEPS)
        return {step: count for step, count in one.steps.items() if count}


def everybody(
    home: Home, *names: str, consent: str = "", text: str = EVERYBODY, **terms: str | int | float
) -> Audience:
    """An audience of all who registered, for platforms and on terms; consent to e-mail, if none is given."""
    lines = [f"platforms: [{', '.join(names)}]", consent or "consent: {purpose: marketing, channel: email}"]
    lines += [f"{name}: {value}" for name, value in terms.items()]
    file = home.path / "own" / "everybody.sql"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.format(terms="".join(f"{line}\n" for line in lines)))
    return read_audience(file, home.path)


def load(home: Home, people: list[str], consents: list[str]) -> None:
    home.lines("people.csv", *people, header=PEOPLE)
    home.lines("consents.csv", *consents, header=CONSENTS)
    home.load()


def person(id: str, email: str = "", phone: str = "", first: str = "", last: str = "", city: str = "", region: str = "",
           zip: str = "", country: str = "", language: str = "") -> str:  # fmt: skip
    cells = (id, "2026-01-01", email, phone, first, last, city, region, zip, country, language)
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in cells)


def agreed(id: str, *channels: str, at: str = "2026-01-01") -> list[str]:
    return [f"{id},marketing,{channel},granted,{at}" for channel in channels]


def to_ads(*ids: str) -> list[str]:
    return [line for id in ids for line in ADS.format(id=id).split()]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# ── how it is written ─────────────────────────────────────────────────────────────────────────────────────────────────

VECTORS = [
    ("meta", "email", {"email": " Jan.Kowalski+Promo@Gmail.com "}, "jan.kowalski+promo@gmail.com",
     "743e84edd0d6e3ea6731bcc8062171c676f4c492f5f6451d1ebbd33a015c8e44"),
    ("google", "Email", {"email": " Jan.Kowalski+Promo@Gmail.com "}, "jankowalski@gmail.com",
     "e1edb5820b9b0f7df38a809702ed8a75bbc27005bdf47bbbe1955ec99080c771"),
    ("tiktok", "Email_SHA256", {"email": " Jan.Kowalski+Promo@Gmail.com "}, "jan.kowalski+promo@gmail.com",
     "743e84edd0d6e3ea6731bcc8062171c676f4c492f5f6451d1ebbd33a015c8e44"),
    ("google", "Email", {"email": "jan.kowalski+promo@Example.com"}, "jan.kowalski+promo@example.com",
     "ccab638ad42296b9ff46c349df869a3b02b9bf441236f0d26a350f399a905b07"),
    ("meta", "phone", {"phone": "0048 600-123-456"}, "48600123456",
     "bf1c98f0048a265e33f7ad4b5c81fe35921263cd3a290b90e76affaff387d146"),
    ("google", "Phone", {"phone": "600 123 456", "country": "PL"}, "+48600123456",
     "380494e54f0f22bf3ecadf0e6513fb3725fb1455bb4f093cc5806c82267a43b1"),
    ("google", "Phone", {"phone": "+44 (0)20 7183 8750"}, "+442071838750",
     "e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d"),
    ("meta", "phone", {"phone": "+44 (0)20 7183 8750"}, "442071838750",
     "8d5f937f3a5590634cbe975951a6aa1543170671ce6e73cce4062f4e8c288417"),
    ("tiktok", "Phone_SHA256", {"phone": "+374-93-828222"}, "37493828222",
     "65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4"),
    ("meta", "fn", {"first": " ZOE\u0308 "}, "zo\u00eb",
     "2752b88686847fa5c86f47b94ce652b7b3f22a91c37617d451a4db9afa431450"),
    ("google", "First Name", {"first": " ZOE\u0308 ", "last": "X", "zip": "1", "country": "PL"}, "zo\u00eb",
     "2752b88686847fa5c86f47b94ce652b7b3f22a91c37617d451a4db9afa431450"),
    ("meta", "ln", {"last": "O'Neill"}, "oneill", "fa0fd24b2d0175a5c48e1b82f4d707a8a95f5279c4abdc43fa2f19d8e30eb47d"),
    ("google", "Last Name", {"first": "X", "last": "O'Neill", "zip": "1", "country": "PL"}, "o'neill",
     "4897794243f02aab17572801e8e9629de1efcf107bcc8671f97aeb3d565b3d68"),
    ("meta", "ct", {"city": "New York"}, "newyork", "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5"),
    ("meta", "zip", {"zip": "W1A 1AA", "country": "GB"}, "w1a1",
     "843b020a5a34d7da699057746e0317f0816db48e039a1451b534a10980ca8ced"),
    ("meta", "zip", {"zip": "94107-1234", "country": "US"}, "94107",
     "c884a209ebe08750a7d13db63bd02233b375bd79786cbe329ab11586cc35dead"),
    ("meta", "country", {"country": "PL"}, "pl", "3485639faf1591f3c16f295198e9389db5b33c949587ec48663597d4e00299d5"),
]  # fmt: skip


def test_cells_are_written_as_each_platform_wants_them(home, monkeypatch):
    """The published vectors, each a customer; all columns of all platforms at once."""
    for name in ("meta", "tiktok"):
        monkeypatch.setattr(platforms()[name].header, "at_least", 0)
    told_once = list(dict.fromkeys(tuple(told.items()) for _, _, told, _, _ in VECTORS))
    ids = [f"c{place:02}" for place in range(len(told_once))]
    people = [
        person(id, **{"email": f"{id}@example.com"} | dict(told)) for id, told in zip(ids, told_once, strict=True)
    ]
    load(home, people, to_ads(*ids))
    written = Written(home, everybody(home, "meta", "google", "tiktok"))
    for platform, column, told, normalised, hashed in VECTORS:
        assert sha256(normalised) == hashed
        row = written.rows(platform)[told_once.index(tuple(told.items()))]
        assert row[column] == hashed, (platform, column, normalised)


def test_what_platforms_disagree_about_is_left_empty(home, monkeypatch):
    monkeypatch.setattr(platforms()["meta"].header, "at_least", 0)
    load(home, [
        person("a", "a@example.com", city="S\u00e3o Paulo", region="S\u00e3o Paulo", zip="00-950", country="PL"),
        person("b", "b@example.com", region="California", zip="9410", country="US"),
        person("c", "c@example.com", region="CA", zip="SW1A 2AA", country="United Kingdom"),
    ], to_ads("a", "b", "c"))  # fmt: skip
    a, b, c = Written(home, everybody(home, "meta")).rows("meta")
    assert (a["ct"], a["st"], a["zip"]) == ("", "", "")
    assert (b["st"], b["zip"]) == ("", "")
    assert (c["st"], c["zip"], c["country"]) == (sha256("ca"), sha256("sw1a2aa"), "")


ONEILL = "o'neill"
GOLDEN = {
    "klaviyo": "Email,Phone Number,First Name,Last Name,City,Region,Zip Code,Country,worth,note\n"
    "ann@example.com,+48600123456,Ann,O'Neill,New York,NY,94107,PL,1,'=1+1\n",
    "mailchimp": "Email Address,First Name,Last Name,SMS Phone,Country,worth,note\n"
    "ann@example.com,Ann,O'Neill,+48600123456,PL,1,'=1+1\n",
    "brevo": "EMAIL;SMS;EXT_ID;FIRSTNAME;LASTNAME;WORTH;NOTE\n"
    "ann@example.com;48600123456;a;Ann;O'Neill;1;'=1+1\n",
    "hubspot": "Email,First Name,Last Name,Phone Number,City,Postal Code,Country/Region,worth,note\n"
    "ann@example.com,Ann,O'Neill,+48600123456,New York,94107,PL,1,'=1+1\n",
    "salesmanago": "email;phone;name;externalId;worth;note\n"
    "ann@example.com;+48600123456;Ann O'Neill;a;1;'=1+1\n",
    "emarsys": "email,first_name,last_name,mobile,worth,note\nann@example.com,Ann,O'Neill,+48600123456,1,'=1+1\n",
    "email_list": "email,first_name,last_name,language,worth,note\nann@example.com,Ann,O'Neill,en,1,'=1+1\n",
    "sms_list": "phone,first_name,language\n+48600123456,Ann,en\n",
    "push_list": "user_id,language\na,en\n",
    "call_list": "phone,first_name,last_name,city,language,worth,note\n+48600123456,Ann,O'Neill,New York,en,1,'=1+1\n",
    "google": "Email,Phone,First Name,Last Name,Country,Zip\n"
    + ",".join(map(sha256, ("ann@example.com", "+48600123456", "ann", "o'neill")))
    + ",PL,94107\n",
    "google_data_manager": '{"audienceMembers":[{"userData":{"userIdentifiers":['
    f'{{"emailAddress":"{sha256("ann@example.com")}"}},{{"phoneNumber":"{sha256("+48600123456")}"}},'
    f'{{"address":{{"givenName":"{sha256("ann")}","familyName":"{sha256(ONEILL)}",'
    '"regionCode":"PL","postalCode":"94107"}}]},'
    '"consent":{"adUserData":"CONSENT_GRANTED","adPersonalization":"CONSENT_GRANTED"}}],'
    '"encoding":"HEX","termsOfService":{"customerMatchTermsOfServiceStatus":"ACCEPTED"}}\n',
    "tiktok": f"Email_SHA256,Phone_SHA256\n{sha256('ann@example.com')},{sha256('48600123456')}\n",
    "meta": "email,phone,fn,ln,ct,st,zip,country,value\n"
    + ",".join(map(sha256, ("ann@example.com", "48600123456", "ann", "oneill", "newyork", "ny", "94107", "pl")))
    + ",1\n",
}  # fmt: skip


def test_every_platform_has_the_file_it_takes_in(home, monkeypatch):
    for one in platforms().values():
        monkeypatch.setattr(one.header, "at_least", 0)
    load(
        home,
        [person("a", "Ann@Example.com", "600 123 456", "Ann", "O'Neill", "New York", "NY", "94107", "PL", "en")],
        [*agreed("a", "email", "sms", "phone", "push"), *to_ads("a")],
    )
    written = Written(home, everybody(home, *platforms(), value="worth"))
    found = {name: written.files[f"everybody.{name}.{one.header.ending}"] for name, one in platforms().items()}
    assert found == GOLDEN


def test_a_call_list_begins_with_who_is_worth_most(home):
    load(home, [person(id, phone=f"+4860012345{place}") for place, id in enumerate(("bb", "a", "cccc"))],
        [line for id in ("a", "bb", "cccc") for line in agreed(id, "phone", "sms")])  # fmt: skip
    consent = "consent: {purpose: marketing, channel: phone}"
    rows = Written(home, everybody(home, "call_list", consent=consent, value="worth")).rows("call_list")
    assert [row["worth"] for row in rows] == ["4", "2", "1"]


def test_mailchimp_gets_what_it_can_read(home):
    """ASCII before the @, texts of at most 255 bytes, and Britain as GB."""
    load(home, [
        person("a", "zo\u00eb@example.com"), person("b", "b@example.com", first="\u0142" * 128, last="\u0142" * 127,
        country="uk"),
    ], [*agreed("a", "email"), *agreed("b", "email")])  # fmt: skip
    written = Written(home, everybody(home, "mailchimp"))
    (b,) = written.rows("mailchimp")
    assert (b["Email Address"], b["First Name"], b["Last Name"]) == ("b@example.com", "", "\u0142" * 127)
    assert b["Country"] == "GB" and written.of("mailchimp")["without_address"] == 1


def test_bodies_of_requests_are_as_large_as_they_are_taken_and_hold_nothing_empty(home, monkeypatch):
    """The same people as in the file of the same platform; outside of Europe without the consents it asks for there."""
    monkeypatch.setattr(platforms()["google_data_manager"].header, "most_rows", 2)
    people = {id: (f"{id}@example.com", "" if id == "b" else f"+4860012345{n}") for n, id in enumerate("abcde")}
    load(
        home,
        [person(id, *told, first='=A"', last="B", zip="=1", country="US") for id, told in people.items()],
        [*to_ads("a"), *[f"{id},ads,ads,granted,2026-01-01" for id in "bcde"]],
    )
    written = Written(home, everybody(home, "google", "google_data_manager"))
    names = [f"everybody.google_data_manager-part0{n}.json" for n in (1, 2, 3)]
    assert sorted(name for name in written.files if name.endswith(".json")) == names
    assert [one.rows for one in written.outputs if one.path.endswith(".json")] == [2, 2, 1]
    members = [one for name in names for one in json.loads(written.files[name])["audienceMembers"]]
    assert [one.get("consent") for one in members] == [
        dict.fromkeys(("adUserData", "adPersonalization"), "CONSENT_GRANTED"), None, None, None, None,
    ]  # fmt: skip
    keys = {"Email": "emailAddress", "Phone": "phoneNumber"}
    for row, member in zip(written.rows("google"), members, strict=True):
        *identifiers, address = member["userData"]["userIdentifiers"]
        assert identifiers == [{keys[name]: row[name]} for name in keys if row[name]]
        assert address["address"]["postalCode"] == "=1" and row["Zip"] == "'=1", "a program reads it, no spreadsheet"
        assert [*address["address"].values()][:3] == [row["First Name"], row["Last Name"], row["Country"]]


def test_what_would_be_a_formula_is_harmless_and_no_id_is_altered(home):
    load(home, [person("=cmd", "a@example.com", first="=2+3", last="+x"), person("+48", "b@example.com")],
         [*agreed("=cmd", "email"), *agreed("+48", "email")])  # fmt: skip
    written = Written(home, everybody(home, "brevo"))
    rows = {row["EXT_ID"]: row for row in written.rows("brevo")}
    assert set(rows) == {"=cmd", "+48"} and rows["=cmd"]["FIRSTNAME"] == "'=2+3"
    (flagged,) = [one.ids_like_formulas for one in written.outputs if one.path.endswith(".brevo.csv")]
    assert flagged == 2


def test_cells_of_platforms_are_what_their_kind_says(home, monkeypatch):
    """A thousand rows with signs of all kinds in them: what is hashed, an address or a number has no other form."""
    monkeypatch.setattr(platforms()["meta"].header, "at_least", 0)
    draw = random.Random(7)
    signs = "aZ\u00eb\u0308 .-'+=@;0\u4e2d9"

    def text() -> str:
        return "".join(draw.choices(signs, k=draw.randint(0, 9)))

    people = [
        person(f"c{place}", f"m{place}@example.com", f"60012{place:04}", text(), text(), text(), text(), text(),
               draw.choice(["PL", "US", "GB", "xx", ""])) for place in range(1000)
    ]  # fmt: skip
    ids = [f"c{place}" for place in range(1000)]
    load(
        home,
        people,
        [*to_ads(*ids), *[x for id in ids for x in agreed(id, "email", "sms")]],
    )
    names = ("meta", "google", "klaviyo", "brevo")
    written = Written(home, everybody(home, *names))
    for name in names:
        rows = pl.DataFrame(written.rows(name))
        assert rows.height > 900
        for column, spec in platforms()[name].header.columns.items():
            if spec.kind in PATTERNS and not spec.value:
                strange = rows.filter(
                    (pl.col(column) != "") & ~pl.col(column).str.contains(f"^(?:{PATTERNS[spec.kind]})$")
                )
                assert not strange.height, (name, column)


HASHED = """
SELECT row_number, id AS customer_id, since AS registered_at, mail AS email, m AS email_sha256, p AS phone_sha256
FROM export"""
JAN = "743e84edd0d6e3ea6731bcc8062171c676f4c492f5f6451d1ebbd33a015c8e44"
"""By Meta's rule, of jan.kowalski+promo@gmail.com: Google's is another one."""


def hashed(home: Home, *lines: str, hashed_for: str = "meta, tiktok") -> None:
    """Customers of a source that tells hashes: id, address, hash of an address, hash of a number."""
    home.own_source(HASHED, "{id: {}, since: {}, mail: {}, m: {}, p: {}}", "partner", "customers",
        f"hashed_for: [{hashed_for}]\n" if hashed_for else "")  # fmt: skip
    rows = [f"{id},2026-01-01,{rest}" for id, _, rest in (line.partition(",") for line in lines)]
    home.drop("people.csv", "\n".join(("id,since,mail,m,p", *rows)) + "\n", "partner")


def test_hashes_that_are_given_go_to_the_platforms_they_were_made_for_and_no_other(home, monkeypatch):
    for one in platforms().values():
        monkeypatch.setattr(one.header, "at_least", 0)
    phone = sha256("48600123456")
    hashed(home, f"a,,{JAN.upper()},", f"b,,,{phone}", f"c,c@example.com,{sha256('other')},", "d,,,")
    load(home, [], [*to_ads("a", "b", "c", "d"), *agreed("a", "email"), *agreed("b", "email", "sms")])
    written = Written(home, everybody(home, "meta", "tiktok", "google", "klaviyo"))
    own = sha256("c@example.com")
    assert [(row["email"], row["phone"]) for row in written.rows("meta")] == [(JAN, ""), ("", phone), (own, "")]
    assert [(row["Email_SHA256"], row["Phone_SHA256"]) for row in written.rows("tiktok")] == [
        (JAN, ""), ("", phone), (own, ""),
    ]  # fmt: skip
    assert [row["Email"] for row in written.rows("google")] == [own]
    assert "everybody.klaviyo.csv" not in written.files
    assert written.of("meta") == {"without_address": 1, "delivered": 3}
    assert written.of("google") == {"without_address": 3, "delivered": 1}
    told = {one.platform: one.left_out for one in written.waterfalls}
    assert told["google"] == {"without_address": 3, "of_these_hashed_for_other_platforms": 2}
    assert told["meta"] == {"without_address": 1}, "of d nothing is known at all"


def test_what_is_no_sha256_is_quarantined_and_the_message_says_what_to_do(home):
    hashed(home, f"a,,{JAN},", f"b,,{JAN[:32]},", "c,,,12")
    home.load()
    assert home.staged("customers").rows("customer_id") == [("a",)]
    of_b, of_c = home.reasons().values()
    assert "is no SHA-256 of 64 digits" in of_b and "MD5 has 32" in of_b and "Export SHA-256" in of_b
    assert "is no SHA-256" in of_c and JAN[:32] not in str(home.everything()) + str(home.set_aside().rows())


@pytest.mark.parametrize(
    ("hashed_for", "said"),
    [("", "say in the header by whose rules it was made"), ("klaviyo", "hashed_for names 'klaviyo'"),
     ("metta", "hashed_for names 'metta'; platforms that take hashes are google, google_data_manager, meta, tiktok")],
)  # fmt: skip
def test_a_source_says_for_whom_its_hashes_are(home, hashed_for, said):
    hashed(home, f"a,,{JAN},", hashed_for=hashed_for)
    with pytest.raises(HeaderError, match=said):
        home.load()


def test_a_no_of_an_address_is_one_of_its_hash_and_the_reverse(home, monkeypatch):
    monkeypatch.setattr(platforms()["meta"].header, "at_least", 0)
    hashed(home, f"a,,{sha256('a@example.com')},", f"b,,{sha256('bert@gmail.com')},", f"c,,{sha256('c@example.com')},",
        f"d,,,{sha256('48600123456')}", f"e,,{sha256('e@example.com')},")  # fmt: skip
    home.lines("not.csv", "email,A@example.com,x,2026-01-01", "email,be.rt+x@gmail.com,x,2026-01-01",
        "phone,+48 600 123 456,x,2026-01-01", header="kind,value,reason,since")  # fmt: skip
    home.lines("objections.csv", "c,2026-01-01", header="customer_id,since")
    load(home, [person("f", "c@example.com")], [*to_ads(*"abcdef"), *agreed("f", "email")])
    written = Written(home, everybody(home, "meta", "klaviyo"))
    assert [row["email"] for row in written.rows("meta")] == [sha256("e@example.com")]
    assert written.of("meta") == {"suppressed": 3, "objected": 1, "blocked_address": 1, "delivered": 1}
    assert written.of("klaviyo")["blocked_address"] == 1, "the address of f is the one of which c is the hash"


@pytest.mark.parametrize("no", ["withdrawn", "objected", "suppressed"])
def test_a_hash_that_somebody_refused_leaves_by_nobody_for_whom_else_it_was_made(home, monkeypatch, no):
    """Of Anna and Bert a partner each knows the same address, as a hash for other platforms; of Cleo another one."""
    monkeypatch.setattr(platforms()["meta"].header, "at_least", 0)
    both, other = sha256("both@example.com"), sha256("cleo@example.com")
    hashed(home, f"bert,,{both},", f"cleo,,{other},", hashed_for="meta")
    home.own_source(HASHED, "{id: {}, since: {}, mail: {}, m: {}, p: {}}", "second", "customers",
        "hashed_for: [google]\n")  # fmt: skip
    home.drop("people.csv", f"id,since,mail,m,p\nanna,2026-01-01,,{both},\n", "second")
    load(home, [], to_ads("anna", "bert", "cleo"))
    written = Written(home, everybody(home, "meta", "google"))
    assert [row["email"] for row in written.rows("meta")] == [both, other]
    assert [row["Email"] for row in written.rows("google")] == [both]
    if no == "withdrawn":
        home.lines("no.csv", "anna,ads,ads,withdrawn,2026-02-01", header=CONSENTS)
    elif no == "objected":
        home.lines("objections.csv", "anna,2026-01-01", header="customer_id,since")
    else:
        home.lines("not.csv", "customer_id,anna,x,2026-01-01", header="kind,value,reason,since")
    home.load()
    written = Written(home, everybody(home, "meta"))
    assert [row["email"] for row in written.rows("meta")] == [other]
    assert written.of("meta")["blocked_address"] == 1


def test_who_refuses_an_address_refuses_its_hash_in_every_form(home, monkeypatch):
    """The partner hashes as Google asks for it, for Meta as well; and the number as no platform of these does."""
    monkeypatch.setattr(platforms()["meta"].header, "at_least", 0)
    hashed(home, f"b,,{sha256('annanowak@gmail.com')},", f"c,,,{sha256('+48600123456')}", f"d,,{JAN},")
    people = [person("a", "Anna.Nowak@gmail.com"), person("e", phone="600 123 456", country="PL")]
    load(home, people, to_ads(*"abcde"))
    kept, google_s, number = sha256("anna.nowak@gmail.com"), sha256("annanowak@gmail.com"), sha256("+48600123456")
    written = {(row["email"], row["phone"]) for row in Written(home, everybody(home, "meta")).rows("meta")}
    assert written == {(kept, ""), (google_s, ""), ("", number), ("", sha256("48600123456")), (JAN, "")}
    home.lines("no.csv", "a,ads,ads,withdrawn,2026-02-01", "e,ads,ads,withdrawn,2026-02-01", header=CONSENTS)
    home.load()
    assert [row["email"] for row in Written(home, everybody(home, "meta")).rows("meta")] == [JAN]


def test_a_column_of_the_audience_that_the_platform_has_is_there_once(home):
    """Whatever its capitals: what the platform knows stays, and no night breaks on it."""
    load(home, [person("a", "a@example.com", country="PL")], agreed("a", "email"))
    text = EVERYBODY.replace("note:", "country:").replace("AS note", "AS country").replace("worth", "ext_id")
    audience = everybody(home, "klaviyo", "brevo", text=text)
    written = Written(home, audience)
    assert written.rows("klaviyo")[0]["Country"] == "PL" and "country" not in written.rows("klaviyo")[0]
    assert list(written.rows("brevo")[0]) == ["EMAIL", "SMS", "EXT_ID", "FIRSTNAME", "LASTNAME", "COUNTRY"]


def test_columns_for_ids_only_are_in_no_file_of_a_platform(home):
    load(home, [person("a", "a@example.com")], agreed("a", "email"))
    written = Written(home, everybody(home, "klaviyo", ids_only="[worth]"))
    assert written.files["everybody.csv"].splitlines()[0] == "customer_id,worth,note"
    assert list(written.rows("klaviyo")[0])[-1] == "note" and "worth" not in written.rows("klaviyo")[0]
    with pytest.raises(HeaderError, match="ids_only names 'worht', which is not among the columns"):
        everybody(home, ids_only="[worht]")


def test_a_file_too_large_is_written_in_parts(home, monkeypatch):
    monkeypatch.setattr(platforms()["email_list"].header, "most_bytes", 100)
    ids = [f"c{place}" for place in range(7)]
    load(home, [person(id, f"{id}@example.com") for id in ids], [line for id in ids for line in agreed(id, "email")])
    written = Written(home, everybody(home, "email_list"))
    parts = sorted(name for name in written.files if "-part" in name)
    assert len(parts) > 1 and "everybody.email_list.csv" not in written.files
    told = [line.split(",")[0] for name in parts for line in written.files[name].splitlines()[1:]]
    assert told == [f"{id}@example.com" for id in ids]
    assert all(len(written.files[name]) <= 100 for name in parts)


# ── who ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_is_counted_once_by_who_took_them(home):
    home.settings["country"] = "PL"
    load(home, [
        person("anna", "anna@example.com"), person("bert", "bert@example.com"), person("cleo", "anna@example.com"),
        person("dora", "no address"), person("emil", "emil@example.com"),
    ], [line for id in ("anna", "cleo", "dora", "emil") for line in agreed(id, "email")])  # fmt: skip
    home.lines("objections.csv", "emil,2026-03-31 23:59:59", header="customer_id,since")
    home.load()
    written = Written(home, everybody(home, "email_list"))
    assert written.of("email_list") == {
        "objected": 1, "without_consent": 1, "without_address": 1, "doubled": 1, "delivered": 1,
    }  # fmt: skip
    assert [row["email"] for row in written.rows("email_list")] == ["anna@example.com"]
    assert written.of(None) == {"objected": 1, "without_consent": 1, "delivered": 3}
    assert [line.split(",")[0] for line in written.files["everybody.csv"].splitlines()[1:]] == ["anna", "cleo", "dora"]


def test_what_is_suppressed_takes_a_customer_out_of_every_file(home):
    ids = ("anna", "bert", "cleo", "dora", "emil")
    load(home, [person(id, f"{id.title()}@Example.com", f"+4860012345{n}") for n, id in enumerate(ids)],
         [line for id in ids for line in agreed(id, "email")])  # fmt: skip
    home.lines("suppressions.csv", "customer_id,anna,2026-03-31", "Email, BERT@example.COM,2026-01-01",
               "phone,0048 600-123-452,2026-01-01", "email,dora@example.com,2026-04-01", "phone,600 123 454,2026-01-01",
               header="kind,value,since")  # fmt: skip
    home.load()
    written = Written(home, everybody(home, "email_list"))
    assert written.of("email_list") == {"suppressed": 4, "delivered": 1}
    assert written.of(None) == {"suppressed": 4, "delivered": 1}
    assert [row["email"] for row in written.rows("email_list")] == ["emil@example.com"]
    (reason,) = home.reasons().values()
    assert reason.startswith('column "value": names nobody: it is missing, or no e-mail address or telephone number')
    assert "bert@example" not in str(home.everything()).lower() and "600123452" not in str(home.everything())


def test_who_agrees_to_what_is_counted_and_adds_up(home):
    # lea, zoe, nina: agreed; bert: took it back; cleo: never told; dora: objected; anna: agreed and is suppressed.
    people = ("anna", "bert", "cleo", "dora", "lea", "nina", "zoe")
    home.lines("people.csv", *(f"{name},2025-01-01,{name}@x.com" for name in people),
               header="customer_id,registered_at,email")  # fmt: skip
    agreed = [f"{name},marketing,email,granted,2026-01-01" for name in people if name != "cleo"]
    home.lines("consents.csv", *agreed, "bert,*,*,withdrawn,2026-02-01", "zoe,ads,ads,granted,2026-04-01",
               "nina,ads,ads,granted,2026-01-01", "who is no customer,marketing,email,granted,2026-01-01",
               header="customer_id,purpose,channel,status,changed_at")  # fmt: skip
    home.lines("objections.csv", "dora,2026-01-05", header="customer_id,since")
    home.lines("suppressions.csv", "Email,anna@X.com,2026-01-01", header="kind,value,since")
    home.load()
    leads = pl.DataFrame([{"snapshot_date": DAY, "customer_id": name, "stage": "lead"} for name in people])
    home.engine.insert("marts.lifecycle_stages", leads)
    with people_attached(home.engine, home.now()):
        found = consent_coverage(home.engine, DAY)
        assert consent_coverage(home.engine, dt.date(2025, 12, 31)) == [], "nothing was told by then"
    assert [(one.purpose, one.channel, [*one.states.values()]) for one in found] == [
        # agreed, withdrawn, never told, objected, suppressed
        ("marketing", "email", [3, 1, 1, 1, 1]),
        ("ads", "ads", [1, 1, 3, 1, 1]),  # zoe's comes after the day; bert took back all there is
    ]
    assert {one.customers for one in found} == {7}
    manifest = home.path / audience_folder(DAY) / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"consents": [as_entry(one) for one in found]}))
    days = [DAY, DAY - dt.timedelta(1)]
    assert coverage_before(home.path, days) == found and "x.com" not in manifest.read_text()
    manifest.write_text(json.dumps({"terms": []}))
    assert coverage_before(home.path, days) == [], "an earlier version counted nothing"


def test_who_is_suppressed_stays_so_with_another_address(home):
    people = [person("anna", "anna@x.example"), person("bert", "", "+48600123451"), person("cleo", "c@x.example")]
    load(home, people,
         [line for id in ("anna", "bert", "cleo") for line in agreed(id, "email")])  # fmt: skip
    home.lines(
        "list.csv", "email,anna@x.example,2026-01-01", "phone,+48600123451,2026-01-01", header="kind,value,since"
    )
    home.load()
    for name in ("second", "third"):
        home.lines(
            f"{name}.csv", *[person(id, f"{id}@{name}.example") for id in ("anna", "bert", "cleo")], header=PEOPLE
        )
        home.load()
        written = Written(home, everybody(home, "email_list"))
        assert [row["email"] for row in written.rows("email_list")] == [f"cleo@{name}.example"]
        assert written.of("email_list") == {"suppressed": 2, "delivered": 1}
    with people_attached(home.engine, home.now()):
        assert "x.example" not in str(home.engine.execute("SELECT * FROM people.suppressed_customers"))


def test_what_is_suppressed_is_written_as_addresses_of_customers_are(home):
    home.settings["country"] = "PL"
    told = {
        "zero": ("", "+44 (0)20 7183 8750", "Telephone", "0044 (0) 20 7183 8750"),
        "home": ("", "600123456", "mobile", "600 123 456"),
        "abroad": ("", "+48600123457", "phone", "600-123-457"),
        "domain": ("anna@m\u00fcnchen.example", "", "E-Mail", "Anna@xn--mnchen-3ya.example"),
        "unseen": ("bert@example.com", "", "EMAIL", "\u200bbert@example.com\u00a0"),
        "named": ("Cleo@example.com", "", "mail", "Cleo X <cleo@example.com>"),
        "guessed": ("dora@example.com", "", "", "dora@example.com"),
        "undated": ("emil@example.com", "", "email", "emil@example.com"),
        "late": ("fred@example.com", "", "email", "fred@example.com"),
        "id": ("gina@example.com", "", "cust", "id"),
        "free": ("hugo@example.com", "+48600123458", "email", "no address"),
    }
    load(home, [person(id, email, phone) for id, (email, phone, _, _) in told.items()],
         [line for id in told for line in agreed(id, "email", "sms")])  # fmt: skip
    since = {"undated": "soon", "late": "9999-12-31"}
    rows = [f"{kind},{value},{since.get(id, '2026-01-01')}" for id, (_, _, kind, value) in told.items()]
    home.lines("suppressions.csv", *rows, header="kind,value,since")
    home.load()
    assert Written(home, everybody(home, "klaviyo")).of(None) == {"suppressed": len(told) - 1, "delivered": 1}
    (reason,) = home.reasons().values()
    assert reason.startswith('column "value": names nobody') and "setting country" in reason
    assert home.remarks()["in_doubt"].startswith("3 rows of which the kind or the time cannot be read: what they name")


def test_a_list_that_names_otherwise_than_it_says_stops_all_that_it_names(home):
    """Another kind than it says, or several in one cell, two rows with one address in common: each no counts."""
    home.settings["country"] = "PL"
    told = {
        "crossed": ("a@x.example", "", "phone", "A@x.example"),
        "number": ("", "600123456", "email", "600 123 456"),
        "anna-0017": ("b@x.example", "", "email", "anna-0017"),
        "first": ("c@x.example", "", "email", '"c@x.example, d@x.example"'),
        "second": ("d@x.example", "", "email", '"c@x.example; e@x.example"'),
        "third": ("e@x.example", "", "phone", "601 123 456 / 602 123 456"),
        "fourth": ("", "602123456", "customer_id", "f@x.example"),
        "fifth": ("f@x.example", "", "customer_id", "nobody"),
        "free": ("g@x.example", "", "email", "no address"),
    }
    load(home, [person(id, email, phone) for id, (email, phone, _, _) in told.items()],
         [line for id in told for line in agreed(id, "email", "sms")])  # fmt: skip
    home.lines("list.csv", *[f"{kind},{value},2026-01-01" for _, _, kind, value in told.values()],
               header="kind,value,since")  # fmt: skip
    home.load()
    assert Written(home, everybody(home, "klaviyo")).of(None) == {"suppressed": 8, "delivered": 1}
    assert len(home.reasons()) == 1
    assert home.remarks()["named_otherwise"].startswith(
        'column "value" is not what kind says in 6 rows, or it names several'
    )
    assert home.remarks()["unknown_persons"].startswith("Of 3 suppressions, 2 name no customer")


YES = ("granted", "Subscribed", "opt-in", "YES", "1")
NO = ("withdrawn", "Unsubscribed", "opt_out", "Opted out", "no", "FALSE", "0", "revoked")


def test_words_for_yes_and_no_and_for_channels_are_understood(home):
    ways = ("E-Mail", "e-mail", "EMAIL", "mail", "email")
    load(
        home, [], [f"{word}{place},,{way},{word},2026-01-01" for place, way in enumerate(ways) for word in (*YES, *NO)]
    )
    home.lines("more.csv", "a,marketing,text,no,2026-01-01", "b,marketing,Telephone,no,2026-01-01",
               "c,marketing,all,no,2026-01-01", header=CONSENTS)  # fmt: skip
    home.load()
    found = home.select("SELECT channel, status, count(*) AS words FROM staging.consents GROUP BY ALL ORDER BY ALL")
    assert found.rows("channel", "status", "words") == [
        ("*", "withdrawn", 1), ("email", "granted", len(ways) * len(YES)), ("email", "withdrawn", len(ways) * len(NO)),
        ("phone", "withdrawn", 1), ("sms", "withdrawn", 1),
    ]  # fmt: skip
    assert home.reasons() == {} and "in_doubt" not in home.remarks()


def test_an_address_that_somebody_refused_leaves_by_nobody(home):
    """Of two customers with one address or number, each as the platform writes it, the no of one counts for both."""
    numbers = {id: f"+4860012345{place}" for place, id in enumerate("abcdef")}
    pairs = {
        "a": ("Mail@x.example", "withdrawn"), "b": ("b@x.example", "sms"), "c": ("c@x.example", "objected"),
        "d": ("d@x.example", "suppressed"), "e": ("jan.nowak@gmail.com", "ads"), "f": ("f@x.example", "nothing"),
    }  # fmt: skip
    twins = {id: address.lower().replace("jan.nowak", "jannowak") for id, (address, _) in pairs.items()}
    people = [person(f"{id}1", address, numbers[id]) for id, (address, _) in pairs.items()]
    people += [person(f"{id}2", twins[id], numbers[id]) for id in pairs]
    said = [line for id in pairs for line in (*agreed(f"{id}2", "email", "sms"), *to_ads(f"{id}2"))]
    load(home, people, [*said, "a1,marketing,email,withdrawn,2026-05-01", "b1,marketing,sms,withdrawn,2026-01-01",
                        "e1,ads,ads,withdrawn,2026-01-01", "f1,own_similar,*,withdrawn,2026-01-01"])  # fmt: skip
    home.lines("objections.csv", "c1,2026-01-01", header="customer_id,since")
    home.lines("suppressions.csv", "customer_id,d1,2026-01-01", header="kind,value,since")
    home.load()
    written = Written(home, everybody(home, "klaviyo", "google", "email_list"))
    told = {(row["Email"], row["Phone Number"]) for row in written.rows("klaviyo")}
    assert told == {
        ("", numbers["a"]), ("b@x.example", ""), (twins["e"], numbers["e"]), (twins["f"], numbers["f"]),
    }  # fmt: skip
    assert {row["Email"] for row in written.rows("google")} == {sha256(twins[id]) for id in "abf"}
    assert {row["email"] for row in written.rows("email_list")} == {twins[id] for id in "bef"}
    assert written.of("email_list") == {
        "suppressed": 1, "objected": 1, "without_consent": 4, "blocked_address": 3, "delivered": 3,
    }  # fmt: skip


def test_a_bad_birthday_does_not_free_the_address_of_an_objector(home):
    """The cell is lost, and not the row, without which nobody knew that the address is also that of who objected."""
    header = "customer_id,registered_at,email,zip,birth_date"
    people = ("anna,2026-01-01,both@x.example,00-1,1800-01-01", "bert,2026-01-01,both@x.example,,1990-01-01",
              "cleo,2026-01-01,two@x.example,,no day", "dora,2026-01-01,two@x.example,,",
              "emil,2026-01-01,emil@x.example,,2101-01-01")  # fmt: skip
    home.lines("people.csv", *people, header=header)
    home.lines("consents.csv", *agreed("bert", "email"), *agreed("dora", "email"), *agreed("emil", "email"),
               header=CONSENTS)  # fmt: skip
    home.lines("objections.csv", "anna,2026-01-01", "cleo,2026-01-01", header="customer_id,since")
    home.load()
    written = Written(home, everybody(home, "email_list"))
    assert [row["email"] for row in written.rows("email_list")] == ["emil@x.example"]
    assert written.of("email_list") == {"objected": 2, "blocked_address": 2, "delivered": 1}
    assert home.reasons() == {} and "in 3 of its rows" in home.remarks()["unusable_birth_date"]


def test_no_address_of_who_is_left_alone_leaves_by_another_row(home):
    ids = [f"c{place:03}" for place in range(400)]
    shared = {id: f"{id[:-1]}@x.example" for id in ids}
    load(home, [person(id, shared[id]) for id in ids], [line for id in ids for line in agreed(id, "email")])
    for share, holdout in ((0.05, 0.0), (0.0, 0.05)):
        written = Written(home, everybody(home, "email_list", "brevo", control_share=share), holdout)
        alone = set(ids) - {line.split(",")[0] for line in written.files["everybody.csv"].splitlines()[1:]}
        assert 8 < len(alone) < 40
        told = {row["email"] for row in written.rows("email_list")}
        assert told == set(shared.values()) - {shared[id] for id in alone}
        assert written.of("email_list")["control"] == len(alone)
        assert told == {row["EMAIL"] for row in written.rows("brevo")}


def test_what_became_of_messages_stops_them(home):
    """Unsubscriptions and complaints after the consent withdraw it; to what came back last nothing is sent."""
    ids = ("anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo", "twin")
    numbers = {id: f"+4860012345{place}" for place, id in enumerate(ids)} | {"twin": ""}
    emails = {id: f"{id}@x.example" for id in ids} | {"twin": "emil@x.example"}
    load(home, [person(id, emails[id], numbers[id]) for id in ids], [
        *[line for id in ids for line in agreed(id, "email", "sms", at="2026-02-01")],
        "dora,marketing,email,granted,2026-03-20",
    ])  # fmt: skip
    home.lines("campaigns.csv", "c1,E-mail,2026-01-01", header="campaign_id,channel,sent_at")
    events = [
        "anna,unsubscribed,2026-03-01,", "bert,complained,2026-05-01,sms", "cleo,unsubscribed,2026-01-01,email",
        "dora,unsubscribed,2026-03-01,email", "emil,bounced,2026-03-01,", "fred,bounced,2026-03-01,email",
        "fred,opened,2026-03-02,email", "gina,bounced,2026-03-01,email", "hugo,unsubscribed,2026-03-01,pigeon",
    ]  # fmt: skip
    home.lines("events.csv", *[f"c1,{event}" for event in events],
               header="campaign_id,customer_id,event,happened_at,channel")  # fmt: skip
    home.load()
    written = Written(home, everybody(home, "klaviyo"))
    told = {(row["Email"].split("@")[0], row["Phone Number"]) for row in written.rows("klaviyo")}
    both = {(id, numbers[id]) for id in ("cleo", "dora", "fred")}
    assert told == both | {("bert", ""), ("", numbers["emil"]), ("", numbers["gina"])}
    assert written.of("klaviyo") == {"without_consent": 2, "blocked_address": 1, "delivered": 6}
    home.lines(
        "moved.csv",
        "gina,2026-12-01 12:00:00,new@x.example,2026-01-01",
        header="customer_id,updated_at,email,registered_at",
    )
    home.load()
    assert "new@x.example" in {row["Email"] for row in Written(home, everybody(home, "klaviyo")).rows("klaviyo")}


def test_a_no_that_fits_no_customer_is_told(home):
    load(home, [person("anna"), person("bert")], ["Anna,marketing,email,withdrawn,2026-01-01", *agreed("who", "email")])
    home.lines("objections.csv", "bert,2026-01-01", "zoe,2026-01-01", header="customer_id,since")
    home.lines("list.csv", "customer_id,BERT,2026-01-01", "email,x@x.example,2026-01-01", header="kind,value,since")
    home.load()
    told = home.select("SELECT message FROM ingest.remarks WHERE subject = 'unknown_persons'").rows("message")
    nobody, alike = (
        "1 names no customer of whom there is an order or a row of customers",
        "in capital letters or leading zeros only",
    )
    assert sorted(message.split(". Nobody")[0] for (message,) in told) == [
        f"Of 1 suppression, {nobody}; 1 of them differs from one {alike}",
        f"Of 1 withdrawal, {nobody}; 1 of them differs from one {alike}",
        f"Of 2 objections, {nobody}; none is alike",
    ]
    assert "BERT" not in str(told) and "zoe" not in str(told)


def test_a_no_that_does_not_fit_counts_all_the_same(home):
    """Whatever of it cannot be read; a consent that does not fit is none, and who cannot be read is quarantined."""
    bad = {
        "channel": "marketing,fax,withdrawn,2026-02-01", "status": "marketing,email,niet,2026-02-01",
        "nothing": "marketing,email,,2026-02-01", "purpose": "letters,email,no,2026-02-01",
        "time": "marketing,email,no,yesterday", "when": "marketing,email,no,0000-00-00", "never": "marketing,email,no,",
        "all": "?,?,?,?", "yes": "marketing,fax,granted,2026-02-01",
    }  # fmt: skip
    rows = [f"{id},{row}" for id, row in bad.items()]
    load(home, [person(id, f"{id}@example.com") for id in bad], [line for id in bad for line in agreed(id, "email")])
    home.lines("no.csv", *rows, ",marketing,email,withdrawn,2026-02-01", header=CONSENTS)
    home.lines("objections.csv", "yes,last week", header="customer_id,since")
    home.load()
    assert Written(home, everybody(home, "email_list")).of("email_list") == {"objected": 1, "without_consent": 8}
    assert sorted(home.reasons()) == [9, 10]
    told = home.select("SELECT * FROM ingest.remarks WHERE subject = 'in_doubt' ORDER BY rows").rows("rows", "message")
    assert [rows for rows, _ in told] == [1, 8] and "The first is row 1, column" in told[1][1]
    home.lines("later.csv", "status,marketing,email,granted,2026-02-01", "channel,marketing,email,granted,2026-02-02",
               header=CONSENTS)  # fmt: skip
    home.load()
    assert [row["email"] for row in Written(home, everybody(home, "email_list")).rows("email_list")] == [
        "channel@example.com", "status@example.com",
    ], "until the row is mended or they agree again"  # fmt: skip


def test_an_unsubscription_counts_whatever_of_it_cannot_be_read(home):
    """And by whatever word; nothing told of the same event later takes its place. Other events stay quarantined."""
    header = "campaign_id,customer_id,event,happened_at,group_name,channel,event_id"
    at = "2026-03-01 10:00:00"
    rows = {
        "when": "c1,when,unsubscribed,yesterday,,,", "never": "c1,never,complained,,,,",
        "where": f",where,unsubscribed,{at},,email,", "group": f"c1,group,unsubscribed,{at},B,,",
        "sms": ",sms,unsubscribed,soon,B,sms,", "open": "c1,open,opened,yesterday,,,",
        "same": f"c1,same,unsubscribed,{at},,email,ev10",
    }  # fmt: skip
    words = ("Unsubscribe", "unsubscription", "complaint", "Spam", "spam_report", "opt-out")
    rows |= {f"word{place}": f"c1,word{place},{word},{at},,," for place, word in enumerate(words)}
    same = (f"c1,same,unsubscribed,{at},,sms,ev10", "c1,same,opened,2026-03-01 11:00:00,,email,ev10")
    load(home, [person(id, f"{id}@example.com") for id in rows], [line for id in rows for line in agreed(id, "email")])
    home.lines("campaigns.csv", "c1,email,2026-01-01", header="campaign_id,channel,sent_at")
    home.lines("events.csv", *rows.values(), *same, f"c1,,unsubscribed,{at},,,", header=header)
    home.load()
    home.lines("later.csv", "c1,same,clicked,2026-03-02 11:00:00,,email,ev10", header=header)
    home.load()
    written = Written(home, everybody(home, "email_list"))
    assert [row["email"] for row in written.rows("email_list")] == ["open@example.com", "sms@example.com"]
    assert len(home.reasons()) == 2, "an opening without its time, and a no of nobody"
    assert home.remarks()["in_doubt"].startswith("5 rows of unsubscriptions or complaints that do not fit")
    found = home.select("SELECT event, channel FROM staging.messages WHERE customer_id = 'same' ORDER BY ALL")
    assert found.rows("event", "channel") == [("clicked", "email"), ("unsubscribed", "email"), ("unsubscribed", "sms")]


def test_a_suppression_told_again_is_one_and_its_entry_needs_the_key(home):
    for name in ("1.csv", "2.csv"):
        home.lines(name, "email,Anna@example.com,2026-01-01", header="kind,value,since")
        home.load()
    (entry,) = home.staged("suppressions").rows("entry")
    assert len(entry[0]) == 64 and entry[0] != sha256("anna@example.com")


def test_a_no_that_is_told_again_later_counts_from_the_first_time_on(home):
    load(home, [person(id, f"{id}@example.com") for id in ("anna", "bert", "cleo")],
         [line for id in ("anna", "bert", "cleo") for line in agreed(id, "email")])  # fmt: skip
    for name, since in (("1", "2026-01-01"), ("2", "2026-12-01")):
        home.lines(f"objections{name}.csv", f"anna,{since}", header="customer_id,since")
        home.lines(f"suppressions{name}.csv", f"email,bert@example.com,{since}", header="kind,value,since")
        home.load()
    assert Written(home, everybody(home, "email_list")).of("email_list") == {
        "objected": 1, "suppressed": 1, "delivered": 1,
    }  # fmt: skip
    assert str(min(home.staged("objections").rows("since_on"))[0]) == "2026-01-01"
    assert str(min(home.staged("suppressions").rows("since_on"))[0]) == "2026-01-01"


def test_what_is_remarked_on_a_no_never_voids_it(home):
    """Two rows that differ in their remark only are one no, and none of a free text is kept."""
    load(home, [person(id, f"{id}@example.com") for id in ("anna", "bert", "cleo", "dora")],
         [line for id in ("anna", "bert", "cleo", "dora") for line in agreed(id, "email")])  # fmt: skip
    told = "anna,email,withdrawn,2026-02-01 10:00:00"
    home.lines("no.csv", f"{told},web,", f"{told},call with Eve,x", header=f"{CONSENTS_ONLY},source,proof")
    home.lines("list.csv", "customer_id,bert,2026-02-01,bounced", "customer_id,bert,2026-02-01,Eve complained",
               header="kind,value,since,reason")  # fmt: skip
    home.lines("objections.csv", "cleo,2026-02-01,letter", "cleo,2026-02-01,Eve", header="customer_id,since,source")
    home.load()
    assert home.reasons() == {} and "Eve" not in str(home.everything())
    assert Written(home, everybody(home, "email_list")).of("email_list") == {
        "objected": 1, "suppressed": 1, "without_consent": 1, "delivered": 1,
    }  # fmt: skip


def test_of_two_words_of_one_second_the_withdrawal_counts(home):
    said = "anna,marketing,email"
    words = [f"{said},withdrawn,2026-02-01 10:00:00.2", f"{said},granted,2026-02-01 10:00:00.7"]
    load(home, [person("anna", "anna@example.com")], words)
    assert home.reasons() == {} and Written(home, everybody(home, "email_list")).of("email_list") == {
        "without_consent": 1,
    }  # fmt: skip


def test_a_no_without_a_time_counts_to_the_end_of_its_day(home):
    """And a consent without one from its beginning; a row that was mended stands for the one that could not be read."""
    later = {"anna": "2026-02-01 10:00:00", "bert": "2026-02-02", "cleo": "2026-02-01 10:00:00",
             "dora": "2026-02-01 23:59:59", "emil": "2026-02-01", "fred": "2026-02-02 00:00:00"}  # fmt: skip
    said = {"anna": "no,2026-02-01", "bert": "no,2026-02-01", "dora": "niet,2026-02-01", "emil": "niet,2026-02-01"}
    load(home, [person(id, f"{id}@example.com") for id in later], [
        *[line for id, at in later.items() for line in agreed(id, "email", at=at)],
        *[f"{id},marketing,email,{word}" for id, word in said.items()],
    ])  # fmt: skip
    events = ("cleo,unsubscribed,2026-02-01", "fred,complained,2026-02-01")
    home.lines("events.csv", *[f"c1,{event}" for event in events], header="campaign_id,customer_id,event,happened_at")
    home.load()
    written = Written(home, everybody(home, "email_list"))
    assert [row["email"].split("@")[0] for row in written.rows("email_list")] == ["bert", "emil", "fred"]


def test_a_no_counts_until_the_files_are_written_and_a_yes_to_the_end_of_the_day(home):
    """Also where an old day is published again: what was refused meanwhile does not leave."""
    ids = ("anna", "bert", "cleo", "dora", "emil", "fred")
    load(home, [person(id, f"{id}@example.com") for id in ids], [
        *[line for id in ids for line in agreed(id, "email", at="2026-04-01" if id == "anna" else "2026-01-01")],
        "bert,marketing,email,withdrawn,2026-05-01", "bert,marketing,email,granted,2026-06-01",
        "emil,marketing,*,withdrawn,2026-05-01",
    ])  # fmt: skip
    home.lines("objections.csv", "cleo,2026-05-01", header="customer_id,since")
    home.lines("suppressions.csv", "customer_id,dora,2026-05-01", header="kind,value,since")
    home.load()
    written = Written(home, everybody(home, "email_list"))
    assert written.of("email_list") == {"objected": 1, "suppressed": 1, "without_consent": 3, "delivered": 1}
    assert [row["email"] for row in written.rows("email_list")] == ["fred@example.com"]


def test_too_few_are_no_file(home):
    load(home, [person("anna", "anna@example.com")], agreed("anna", "email"))
    written = Written(home, everybody(home, "email_list", minimum_size=2))
    assert written.of("email_list") == {"under_minimum": 1} and "everybody.email_list.csv" not in written.files
    load(home, [person("anna", "anna@example.com")], to_ads("anna"))
    assert Written(home, everybody(home, "meta")).of("meta") == {"under_minimum": 1}, (
        "what the platform says counts, too"
    )


def test_consent_to_one_channel_is_none_to_another(home):
    """The number of who agreed to e-mail only is not in the file of a tool that could write to it."""
    load(home, [person(id, f"{id}@example.com", f"+4860012345{n}") for n, id in enumerate(("mail", "both", "sms"))],
         [*agreed("mail", "email"), *agreed("both", "email", "sms"), *agreed("sms", "sms")])  # fmt: skip
    by_mail = Written(home, everybody(home, "klaviyo"))
    assert {row["Email"]: row["Phone Number"] for row in by_mail.rows("klaviyo")} == {
        "mail@example.com": "", "both@example.com": "+48600123451",
    }  # fmt: skip
    by_sms = Written(home, everybody(home, "klaviyo", consent="consent: {purpose: marketing, channel: sms}"))
    assert {row["Phone Number"]: row["Email"] for row in by_sms.rows("klaviyo")} == {
        "+48600123451": "both@example.com", "+48600123452": "",
    }  # fmt: skip


def test_advertisers_need_consent_to_ads_and_google_two_more_where_the_law_asks(home):
    home.lines("people.csv", *[
        person(id, f"{id}@example.com", country=country)
        for id, country in (
            ("poland", "PL"), ("nowhere", ""), ("states", "US"), ("all", "DE"), ("mail", "US"), ("britain", "UK"),
            ("greece", "el"), ("reunion", "RE"), ("unknown", "XX"), ("none", "ZZ"),
        )
    ], header=PEOPLE)  # fmt: skip
    ads_only = [
        f"{id},ads,ads,granted,2026-01-01"
        for id in (
            "poland",
            "nowhere",
            "states",
            "britain",
            "greece",
            "reunion",
            "unknown",
            "none",
        )
    ]
    home.lines("consents.csv", *ads_only, *to_ads("all"), *agreed("mail", "email"), header=CONSENTS)
    home.load()
    written = Written(home, everybody(home, "google"))
    assert {row["Email"] for row in written.rows("google")} == {sha256(f"{id}@example.com") for id in ("states", "all")}


@dataclass
class Told:
    """What a customer is made to have said, and where they can be reached."""

    email: str
    phone: str
    words: list[tuple[str, str, str, int | None]] = field(default_factory=list)
    """Purpose, channel, status as it is written, seconds from the end of the day; None: a time nobody can read."""
    is_out: bool = False


def _noes(told: Told, channel: str) -> list[int]:
    """When they said no to marketing by a channel, whatever of it cannot be read; a word nobody understands, a second
    before: it gives way to a consent of its time. One of midnight, which may be a day without a time, counts to the
    end of its day."""
    found = []
    for purpose, way, status, at in told.words:
        if purpose in ("marketing", "letters") and way in (channel, "*", "fax") and status != "granted":
            is_mended = status == "hm" and (purpose, way, "granted", at) in told.words
            is_day = at is not None and at % 86_400 == 1 and not is_mended
            found.append(10**9 if at is None else at + 86_399 if is_day else at - (status == "hm"))
    return found


def _may(told: Told, channel: str) -> bool:
    """Whether a consent up to the end of the day stands against every no there is."""
    yes = [
        at for *word, at in told.words if word == ["marketing", channel, "granted"] and at is not None and at <= 0
    ]  # fmt: skip
    return bool(yes) and max(yes) > max(_noes(told, channel), default=-(10**9))


def test_no_file_holds_anybody_who_did_not_agree(home):
    """2,500 customers with random histories, held against the words themselves: ties, words after the day, words that
    cannot be read, two customers with one address, and what is suppressed or objected to once or again."""
    draw = random.Random(18)
    end = dt.datetime(2026, 3, 31, 23, 59, 59)
    everyone: dict[str, Told] = {}
    for place in range(2_500):
        of = place - 1 if place % 5 == 1 else place
        number = place - 1 if place % 7 == 1 else place
        told = everyone[f"c{place:04}"] = Told(f"m{of}@example.com", f"+48600{number:06}")
        for _ in range(draw.randint(0, 6)):
            way = draw.choice(["email", "email", "sms", "*", "fax"] if draw.random() < 0.3 else ["email", "sms"])
            status = draw.choice(["granted"] * 6 + ["withdrawn", "withdrawn", "no", "hm"])
            purpose = draw.choice(["marketing"] * 8 + ["ads", "letters"])
            at = None if draw.random() < 0.03 else draw.randint(-4, 2) * 43_200
            told.words.append((purpose, way, status, at))
    ids = list(everyone)
    lines = sorted({
        f"{id},{purpose},{way},{status},{'soon' if at is None else end + dt.timedelta(seconds=at)}"
        for id, told in everyone.items() for purpose, way, status, at in told.words
    })  # fmt: skip
    objected, lists = draw.sample(ids, 60), {"customer_id": draw.sample(ids, 60)}
    lists |= {kind: [getattr(everyone[id], kind) for id in draw.sample(ids, 60)] for kind in ("email", "phone")}
    for id, told in everyone.items():
        named = {"customer_id": id, "email": told.email, "phone": told.phone}
        told.is_out = id in objected or any(named[kind] in values for kind, values in lists.items())
    load(home, [person(id, told.email, told.phone) for id, told in everyone.items()], lines)
    for since in ("2026-01-01", "2026-05-01", "soon"):
        some = [value for value in objected if draw.random() < 0.7 or since == "soon"]
        home.lines(f"o{since}.csv", *[f"{id},{since}" for id in some], header="customer_id,since")
        rows = [f"{kind},{value},{since}" for kind, values in lists.items() for value in values]
        home.lines(f"s{since}.csv", *[row for row in rows if draw.random() < 0.7 or since == "soon"],
                   header="kind,value,since")  # fmt: skip
    home.load()

    def refuses(told: Told, channel: str) -> bool:
        return told.is_out or (bool(_noes(told, channel)) and not _may(told, channel))

    no_email = {told.email for told in everyone.values() if refuses(told, "email")}
    no_sms = {told.phone for told in everyone.values() if refuses(told, "sms")}
    may = {id for id, told in everyone.items() if not told.is_out and _may(told, "email")}
    expected, blocked = dict[str, tuple[str, str]](), 0
    for id in sorted(may):
        email, phone = everyone[id].email, everyone[id].phone
        row = ("" if email in no_email else email, phone if _may(everyone[id], "sms") and phone not in no_sms else "")
        blocked += row == ("", "")
        if any(row):
            expected.setdefault(row[0] or row[1], row)
    assert 300 < len(may) < 1_500 and blocked > 10 and len(expected) < len(may) - blocked
    written = Written(home, everybody(home, "klaviyo", "sms_list"))
    assert {(row["Email"], row["Phone Number"]) for row in written.rows("klaviyo")} == set(expected.values())
    assert {row["phone"] for row in written.rows("sms_list")} == {
        told.phone for told in everyone.values() if not told.is_out and _may(told, "sms")
    } - no_sms  # fmt: skip
    assert {line.split(",")[0] for line in written.files["everybody.csv"].splitlines()[1:]} == may
    counted = written.of("klaviyo")
    assert (counted["delivered"], counted["blocked_address"]) == (len(expected), blocked)
    assert counted["suppressed"] + counted["objected"] == sum(told.is_out for told in everyone.values())
    assert all(one.members == 2_500 for one in written.waterfalls)


# ── who is left alone ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("salt", "id", "expected"),
    [("winback-2026", "K1", 6087), ("winback-2026", "K2", 9052), ("winback-2026", "K3", 6560),
     ("global-v1", "K1", 9049), ("global-v1", "K2", 5379), ("global-v1", "K3", 6194)],
)  # fmt: skip
def test_the_bucket_of_a_customer_is_the_same_for_ever(home, salt, id, expected):
    assert home.engine.scalar(f"SELECT {bucket(repr(salt), repr(id))}") == expected


def test_controls_leave_every_channel_and_stay_so_at_a_larger_share(home):
    ids = [f"c{place}" for place in range(1_000)]
    load(home, [person(id, f"{id}@example.com") for id in ids], [line for id in ids for line in agreed(id, "email")])

    def left_alone(share: float, holdout: float = 0.0) -> set[str]:
        written = Written(home, everybody(home, "brevo", control_share=share), holdout)
        told = {row["EXT_ID"] for row in written.rows("brevo")}
        assert told == {line.split(",")[0] for line in written.files["everybody.csv"].splitlines()[1:]}
        assert written.of("brevo")["control"] == 1_000 - len(told)
        return set(ids) - told

    tenth, third, everywhere = left_alone(0.1), left_alone(0.3), left_alone(0.1, 0.1)
    assert 70 < len(tenth) < 130 and tenth < third
    assert tenth < everywhere and 150 < len(everywhere) < 230


# ── terms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"platforms": ("myspace",)}, "there is no platform 'myspace'; there are brevo, call_list"),
        ({"platforms": ("klaviyo",)}, "klaviyo gets those who agreed: say to what"),
    ],
)
def test_terms_of_a_home_that_do_not_go_together_are_refused(terms, said):
    audience = read_audience(SQL_FOLDER / "audiences" / "segments.sql")
    with pytest.raises(PerennialError, match=rf"setting deliver\.segments: {said}"):
        audience.with_terms(Terms(**terms))


def test_terms_of_an_audience_there_is_not_are_refused():
    audience = read_audience(SQL_FOLDER / "audiences" / "segments.sql")
    terms = {"segmnts": Terms(platforms=("push_list",))}
    with pytest.raises(
        HeaderError, match=r"^setting deliver\.segmnts: there is no such audience; there are segments\.$"
    ):
        on_terms([audience], terms)
    with pytest.raises(HeaderError, match=r"^setting deliver\.segmnts"):
        build_defs(Settings(home=Path("/nowhere"), deliver=terms))


def test_who_is_left_out_is_told_also_where_the_home_leaves_them_out(home):
    load(home, [person("anna"), person("bert")], [])
    home.lines("objections.csv", "anna,2026-01-01", header="customer_id,since")
    home.load()
    text = EVERYBODY.replace("{terms}", "")
    audience = everybody(home, text=text)
    assert Written(home, audience).of(None) == {"objected": 1, "delivered": 1}


def test_a_home_sets_the_terms_of_an_audience(home):
    audience = everybody(home)
    terms = Terms(platforms=("klaviyo",), consent=Consent(purpose="own_similar", channel="email"), control_share=0.2)
    changed = audience.with_terms(terms)
    assert (changed.header.platforms, changed.header.control_share) == (("klaviyo",), 0.2)
    assert changed.header.consent == Consent(purpose="own_similar", channel="email")
    assert changed.header.minimum_size == audience.header.minimum_size and audience.with_terms(None) is audience


def test_a_home_takes_no_csv_away_that_a_page_may_lead_to(home):
    audience = everybody(home)
    assert audience.with_terms(Terms(control_share=0.2)).header.csv
    with pytest.raises(HeaderError, match=r"^setting deliver.everybody: pages may lead to its CSV"):
        audience.with_terms(Terms(csv=False))


def test_a_gate_asks_for_every_consent(home):
    load(home, [person("a")], [*agreed("a", "email")])
    Gate(home.engine, DAY)
    one, other = Consent(purpose="marketing", channel="email"), Consent(purpose="ads", channel="ads")
    assert home.engine.scalar(f"SELECT {granted((one,), repr('a'))}") is True
    assert home.engine.scalar(f"SELECT {granted((one, other), repr('a'))}") is False


def test_a_no_in_the_hour_that_the_clock_repeats_counts_after_every_yes_in_it(tmp_path):
    """On 26 October 2025 clocks in Warsaw go back at 01:00 UTC: half past two comes twice."""
    said = {
        "taken_back": ["granted,2025-10-26T00:50:00Z", "withdrawn,2025-10-26T01:10:00Z"],
        "given_long_after": ["granted,2025-10-26T03:00:00Z", "withdrawn,2025-10-26T01:10:00Z"],
        "taken_back_before": ["withdrawn,2025-10-25T23:10:00Z", "granted,2025-10-25T23:50:00Z"],
    }
    consents = [f"{id},marketing,email,{word}" for id, words in said.items() for word in words]
    with ExitStack() as opened:
        home = Home(tmp_path, opened, timezone="Europe/Warsaw")
        load(home, [person(id) for id in said], consents)
        Gate(home.engine, DAY)
        agreed_to = home.engine.execute("SELECT customer_id FROM temp.grants ORDER BY 1")
    assert agreed_to == [("given_long_after",), ("taken_back_before",)]


def test_counts_of_a_waterfall_add_up():
    assert Waterfall("a", None, {"objected": 2, "delivered": 3}).members == 5
