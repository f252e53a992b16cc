"""How a digest leaves: as an e-mail over TLS, and as a message to a webhook that reads Slack's JSON."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from time import sleep
from urllib.error import URLError
from urllib.parse import urlsplit

from pipeline.errors import PerennialError
from pipeline.reporting.digest import Digest
from pipeline.sections.delivery import DigestSettings, is_this_machine
from pipeline.webhooks import post

USER, PASSWORD = "PERENNIAL_SMTP_USER", "PERENNIAL_SMTP_PASSWORD"
WAITS = (5.0, 30.0)
"""Seconds before it is tried again, where nothing was handed over and that may pass."""
_SECONDS = 30
_NOT_NOW = (429, 502, 503, 504)


class DigestNotSent(PerennialError):
    """A digest that could not be handed over; the message says where it stopped, and names no address of a person.

    `may_pass`: nobody took anything, and may do so in a minute.
    """

    def __init__(self, message: str, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


def send(digest: Digest, settings: DigestSettings) -> list[str]:
    """Hand a digest over on every way that is set; what was done, for people.

    All ways are tried, each again where its fault may pass. Raises DigestNotSent, then, for the first that failed.
    """
    done, failed = list[str](), list[DigestNotSent]()
    for is_set, way in ((settings.to, _mail), (settings.webhook, _webhook)):
        if is_set:
            try:
                done.append(_tried(way, digest, settings))
            except DigestNotSent as error:
                failed.append(error)
    if failed:
        raise failed[0]
    return done


def _tried(way: Callable[[Digest, DigestSettings], str], digest: Digest, settings: DigestSettings) -> str:
    for wait in WAITS:
        try:
            return way(digest, settings)
        except DigestNotSent as error:
            if not error.may_pass:
                raise
        sleep(wait)
    return way(digest, settings)


def _mail(digest: Digest, settings: DigestSettings) -> str:
    assert settings.smtp is not None and settings.sender is not None
    server = urlsplit(settings.smtp)
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = digest.subject, settings.sender, ", ".join(settings.to)
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=settings.sender.rpartition("@")[2])
    message.set_content(digest.plain)
    message.add_alternative(digest.html, subtype="html")
    where = f"{server.hostname}:{server.port}"
    try:
        with _connected(settings.smtp) as connection:
            if user := os.environ.get(USER):
                connection.login(user, os.environ.get(PASSWORD, ""))
            refused = connection.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise DigestNotSent(
            f"The mail server {where} does not let us in. Check {USER} and {PASSWORD} in the environment."
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise DigestNotSent(f"The mail server {where} offers no TLS or no log-in; nothing is sent without.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise DigestNotSent(f"The mail server {where} takes no mail for {_people(len(error.recipients))}.") from None
    except smtplib.SMTPResponseException as error:
        raise DigestNotSent(
            f"The mail server {where} refused the digest ({error.smtp_code}).", may_pass=400 <= error.smtp_code < 500
        ) from None
    except ssl.SSLError as error:
        raise DigestNotSent(f"The mail server {where} cannot be trusted ({error.reason or 'TLS failed'}).") from None
    except (OSError, smtplib.SMTPException) as error:
        may_pass = isinstance(error, ConnectionRefusedError | socket.gaierror)  # later, it may have been taken
        raise DigestNotSent(
            f"The mail server {where} cannot be reached ({type(error).__name__}).", may_pass=may_pass
        ) from None
    if refused:
        raise DigestNotSent(f"The mail server {where} takes no mail for {_people(len(refused))}.")
    return f"Digest sent to {_people(len(settings.to))}."


def _connected(address: str) -> smtplib.SMTP:
    """Over TLS from the first byte (smtps) or from STARTTLS on; without only to this machine."""
    server, context = urlsplit(address), ssl.create_default_context()
    host, port = server.hostname or "", server.port or 0
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
    connection = smtplib.SMTP(host, port, timeout=_SECONDS)
    try:
        connection.ehlo()
        if connection.has_extn("starttls") or not is_this_machine(host):
            connection.starttls(context=context)
    except BaseException:
        connection.close()
        raise
    return connection


def _webhook(digest: Digest, settings: DigestSettings) -> str:
    assert settings.webhook is not None
    try:
        post(settings.webhook, {"text": _for_slack(f"*{digest.subject}*\n{digest.plain}")})
    except OSError as error:
        code = getattr(error, "code", None)
        told = code or type(getattr(error, "reason", error)).__name__
        may_pass = code in _NOT_NOW if code else isinstance(error, URLError)  # which it is while we ask, not later
        raise DigestNotSent(f"The webhook of the digest did not take it ({told}).", may_pass) from None
    return "Digest sent to the webhook."


def _for_slack(text: str) -> str:
    """Its three signs are written as it wants them, so that no text of ours is a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _people(number: int) -> str:
    return f"{number} {'address' if number == 1 else 'addresses'}"
