"""The digest: what it says, how it leaves, and that it leaves once and over TLS only."""

from __future__ import annotations

import datetime as dt
import email
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from shop import Shop
from test_actions_page import DAY, action, listed

from pipeline.digest import channels
from pipeline.digest.channels import DigestNotSent, send
from pipeline.digest.sending import NoDigest, send_by_hand, send_of_night
from pipeline.reporting.digest import Digest, digest_of
from pipeline.settings import Settings

TO = "crm@shop.example"
DIGEST = Digest("Shop: customers on 31 December 2026", "What changed?\nA & B <up>\n", "<p>What changed?</p>")


def settings(folder: Path, **digest: Any) -> Settings:
    return Settings(home=folder, name="Garden & Sons", digest=digest)


def mail(port: int, scheme: str = "smtp") -> dict[str, Any]:
    return {"to": [TO], "sender": "perennial@shop.example", "smtp": f"{scheme}://localhost:{port}"}


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited before trying again; nobody waits."""
    seconds: list[float] = []
    monkeypatch.setattr(channels, "sleep", seconds.append)
    return seconds


# ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def told(shop: Shop, tmp_path: Path) -> Digest:
    listed(shop, action("overdue", "Overdue <b>", 7, value_at_stake=1200.0, most_to_spend=3.5, cost_basis="scenario"))
    given = settings(tmp_path, report_address="https://reports.example/shop/")
    return digest_of(shop.engine.read, given, DAY)


def test_the_subject_names_shop_and_day(told: Digest) -> None:
    assert told.subject == "Garden & Sons: customers on 31 December 2026"


def test_plain_text_has_the_sentences_and_the_list(told: Digest) -> None:
    assert "What changed?\n" in told.plain and "Who to act on first?\nOverdue <b>: 7 customers" in told.plain
    assert "1. Overdue <b>: " in told.plain and "1,200" in told.plain and "   Write.\n" in told.plain
    assert "The report: https://reports.example/shop/2026-12-31/index.html\n" in told.plain


def test_html_says_the_same_and_is_escaped(told: Digest) -> None:
    assert "Garden &amp; Sons: customers on 31 December 2026" in told.html
    assert "Overdue &lt;b&gt;" in told.html and "<b>: 7" not in told.html
    assert 'href="https://reports.example/shop/2026-12-31/index.html"' in told.html


def test_nobody_is_in_it(told: Digest) -> None:
    assert "anna" not in told.plain + told.html


# ── by e-mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Mailbox:
    """What a mail server was handed; it knows nobody at nowhere.example."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.endswith("@nowhere.example"):
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        mail["X-Over-TLS"] = str(session.ssl is not None)
        self.mails.append(mail)
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of localhost in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    pem, raw = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(pem, raw, serialization.NoEncryption()) + made.public_bytes(pem))
    return file


class AnyPort(Controller):
    """A server at the port that the system gives it."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(certificate: Path | None, **options: Any) -> Iterator[tuple[int, Mailbox]]:
    mailbox, context = Mailbox(), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = AnyPort(mailbox, hostname="127.0.0.1", port=0, tls_context=context, **options)
    server.start()
    try:
        yield server.port, mailbox
    finally:
        server.stop()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def test_a_mail_goes_over_tls_with_both_texts(trusted: Path, tmp_path: Path) -> None:
    with mail_server(trusted) as (port, mailbox):
        assert send(DIGEST, settings(tmp_path, **mail(port)).digest) == ["Digest sent to 1 address."]
    (got,) = mailbox.mails
    assert got["X-Over-TLS"] == "True"
    assert (got["To"], got["From"], got["Subject"]) == (TO, "perennial@shop.example", DIGEST.subject)
    assert [part.get_content().split() for part in got.iter_parts()] == [DIGEST.plain.split(), DIGEST.html.split()]


def test_a_server_that_nobody_vouches_for_gets_nothing(certificate: Path, tmp_path: Path) -> None:
    with mail_server(certificate) as (port, mailbox), pytest.raises(DigestNotSent, match="cannot be trusted"):
        send(DIGEST, settings(tmp_path, **mail(port)).digest)
    assert not mailbox.mails


def test_without_tls_nothing_leaves_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(None) as (port, mailbox):
        given = settings(tmp_path, **mail(port)).digest
        send(DIGEST, given)  # a relay on this machine may have none
        monkeypatch.setattr(channels, "is_this_machine", lambda _: False)
        with pytest.raises(DigestNotSent, match="offers no TLS"):
            send(DIGEST, given)
    assert [got["X-Over-TLS"] for got in mailbox.mails] == ["False"]


def test_user_and_password_come_from_the_environment(
    trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"shop", b"s3cret"), handled=False)

    monkeypatch.setenv("PERENNIAL_SMTP_USER", "shop")
    monkeypatch.setenv("PERENNIAL_SMTP_PASSWORD", "s3cret")
    with mail_server(trusted, authenticator=authenticator, auth_required=True) as (port, mailbox):
        given = settings(tmp_path, **mail(port)).digest
        send(DIGEST, given)
        monkeypatch.setenv("PERENNIAL_SMTP_PASSWORD", "wr0ng")
        with pytest.raises(DigestNotSent, match="Check PERENNIAL_SMTP_USER and PERENNIAL_SMTP_PASSWORD") as refused:
            send(DIGEST, given)
    assert len(mailbox.mails) == 1 and "wr0ng" not in str(refused.value)


def test_an_address_that_is_refused_is_told_without_being_named(trusted: Path, tmp_path: Path) -> None:
    with mail_server(trusted) as (port, mailbox):
        both = mail(port) | {"to": [TO, "boss@nowhere.example"]}
        with pytest.raises(DigestNotSent, match="takes no mail for 1 address") as refused:
            send(DIGEST, settings(tmp_path, **both).digest)
    assert len(mailbox.mails) == 1 and "boss" not in str(refused.value)


def test_a_server_that_is_not_there_is_tried_again_and_told(tmp_path: Path, waited: list[float]) -> None:
    with pytest.raises(DigestNotSent, match=r"localhost:1 cannot be reached \(ConnectionRefusedError\)"):
        send(DIGEST, settings(tmp_path, **mail(1)).digest)
    assert waited == [5, 30]


# ── to a webhook ──────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def webhook(*statuses: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """It answers with these in turn, with the last of them for ever; with none, that it took what was sent."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response((statuses or (200,))[: len(received)][-1])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/T0P-SECRET", received
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_gets_slacks_json(tmp_path: Path) -> None:
    with webhook() as (address, received):
        assert send(DIGEST, settings(tmp_path, webhook=address).digest) == ["Digest sent to the webhook."]
    assert received == [{"text": f"*{DIGEST.subject}*\nWhat changed?\nA &amp; B &lt;up&gt;\n"}]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_told_without_its_address(tmp_path: Path, status: int, waited: list[float]) -> None:
    with (
        webhook(status) as (address, received),
        pytest.raises(DigestNotSent, match=rf"did not take it \({status}\)") as refused,
    ):
        send(DIGEST, settings(tmp_path, webhook=address).digest)
    assert "T0P-SECRET" not in f"{refused.value!r}" and len(received) == 1
    assert waited == []


def test_an_answer_that_is_none_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            asked, _ = server.accept()
            with asked:
                asked.recv(65536)
                asked.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/T0P-SECRET"
        with pytest.raises(DigestNotSent, match="did not take it") as refused:
            send(DIGEST, settings(tmp_path, webhook=address).digest)
        thread.join()
    assert "T0P-SECRET" not in f"{refused.value!r}"


@pytest.mark.parametrize("status", [429, 503])
def test_a_webhook_that_cannot_now_is_asked_again(tmp_path: Path, status: int, waited: list[float]) -> None:
    with (
        webhook(status) as (address, asked),
        pytest.raises(DigestNotSent, match=rf"did not take it \({status}\)"),
    ):
        send(DIGEST, settings(tmp_path, webhook=address).digest)
    assert (len(asked), waited) == (3, [5, 30])
    with webhook(status, 200) as (address, asked):
        assert send(DIGEST, settings(tmp_path, webhook=address).digest) == ["Digest sent to the webhook."]
    assert (len(asked), waited) == (2, [5, 30, 5])


def test_one_way_that_fails_does_not_keep_the_other(tmp_path: Path) -> None:
    with webhook() as (address, received), pytest.raises(DigestNotSent, match="cannot be reached"):
        send(DIGEST, settings(tmp_path, **mail(1), webhook=address).digest)
    assert len(received) == 1, "the way that was taken is not gone again"


# ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_night_is_sent_once_and_a_later_one_again(shop: Shop, tmp_path: Path) -> None:
    listed(shop)
    with webhook() as (address, received):
        given = settings(tmp_path, webhook=address)
        assert send_of_night(shop.engine.read, given, DAY) == ["Digest sent to the webhook."]
        assert send_of_night(shop.engine.read, given, DAY) == ["The digest of 2026-12-31 was sent before."]
        assert send_of_night(shop.engine.read, given, DAY - dt.timedelta(days=1)) == [
            "The digest of 2026-12-31 was sent before."
        ]
        send_of_night(shop.engine.read, given, DAY + dt.timedelta(days=1))
    assert len(received) == 2


def test_what_was_not_taken_is_sent_by_the_next_run(shop: Shop, tmp_path: Path) -> None:
    listed(shop)
    with webhook(500) as (address, _), pytest.raises(DigestNotSent):
        send_of_night(shop.engine.read, settings(tmp_path, webhook=address), DAY)
    with webhook() as (address, received):
        send_of_night(shop.engine.read, settings(tmp_path, webhook=address), DAY)
    assert len(received) == 1


def test_mornings_may_be_chosen(shop: Shop, tmp_path: Path) -> None:
    """31 December 2026 is a Thursday: its digest is there on Friday morning."""
    listed(shop)
    with webhook() as (address, received):
        monday = settings(tmp_path, webhook=address, weekdays=["monday"])
        assert send_of_night(shop.engine.read, monday, DAY) == ["No digest today: it is sent on monday."]
        friday = settings(tmp_path, webhook=address, weekdays=["monday", "friday"])
        send_of_night(shop.engine.read, friday, DAY)
    assert len(received) == 1


def test_by_hand_without_a_setting_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NoDigest, match=r"set digest\.to, digest\.sender and digest\.smtp, or digest\.webhook"):
        send_by_hand(settings(tmp_path))
