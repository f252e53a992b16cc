"""Sections of the settings that say where lists and digests are sent. No secret stands in them."""

from __future__ import annotations

import os
import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, Secret, field_validator, model_validator

from pipeline.sections.activation import Weekday
from pipeline.validation import written

FOLDERS = ("s3", "gs", "gcs", "sftp", "ssh", "file")
"""Kinds of folders that lists are sent to: none over which others could read what is sent."""


class Destination(BaseModel):
    """Where lists of a platform are sent, beside the folder of the home. Secrets are in the environment only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: str = Field(min_length=1, description="Whose lists")
    url: str = Field(
        description="A folder, s3://, gs://, sftp:// or file://; or the address of an interface, https://",
    )
    lists: dict[str, str] = Field(
        default_factory=dict, description="Per audience, catalogue/name: the id of the list there. For https://"
    )
    credential: Annotated[str | None, written("[A-Za-z_][A-Za-z0-9_]*", "KLAVIYO_API_KEY")] = Field(
        None, description="Variable of the environment that holds the key; else KLAVIYO_API_KEY, META_ACCESS_TOKEN"
    )

    @field_validator("url")
    @classmethod
    def holds_no_secret(cls, url: str) -> str:
        if not re.match(r"[a-z][a-z0-9+.-]*://\S*$", url):
            raise ValueError(
                "an address begins with its kind: a folder with s3://, gs://, sftp:// or file://, an interface with "
                "https://; and it holds no blanks"
            )
        parts = urlsplit(url)
        if parts.password is not None or parts.query or parts.fragment:
            raise ValueError("an address holds no password, ? or #; name the variable that holds the key as credential")
        if parts.scheme == "http" and not is_this_machine(parts.hostname):
            raise ValueError("people's addresses are sent over https:// only")
        if parts.scheme not in (*FOLDERS, "https", "http"):
            raise ValueError(
                f"nothing is sent over {parts.scheme}://, which need not keep people's addresses and the password "
                f"from others; a folder is s3://, gs://, sftp:// or file://, an interface https://"
            )
        if parts.scheme == "file" and (
            parts.netloc or not parts.path.strip("/")
        ):  # else below the current folder, or /
            raise ValueError("a folder of this machine is file:// and its whole path, such as file:///srv/lists")
        if parts.scheme != "file" and not parts.hostname:
            raise ValueError(f"{parts.scheme}:// lacks what comes behind it, such as {parts.scheme}://lists/klaviyo")
        if "::" in parts.path:  # fsspec would take what follows for another kind of folder
            raise ValueError("an address holds no ::")
        return url.rstrip("/")

    @model_validator(mode="after")
    def lists_are_of_interfaces(self) -> Self:
        if self.is_interface != bool(self.lists):
            raise ValueError("lists says which list there an audience is; for https:// it is needed, else it is not")
        return self

    @property
    def is_interface(self) -> bool:
        return self.url.startswith(("https://", "http://"))

    def secret(self, default: str) -> str | None:
        """The key, as the environment holds it."""
        return os.environ.get(self.credential or default)


def is_this_machine(host: str | None) -> bool:
    return host in ("127.0.0.1", "localhost")


def _sent_secretly(address: Secret[HttpUrl] | None) -> Secret[HttpUrl] | None:
    """An address that is a secret is one no more where it is sent for everybody on the way to read."""
    url = address.get_secret_value() if address else None
    if url is not None and url.scheme == "http" and not is_this_machine(url.host):
        raise ValueError("the address is a secret, and is sent over https:// only")
    return address


Webhook = Annotated[Secret[HttpUrl] | None, AfterValidator(_sent_secretly)]
"""An address that takes JSON, and holds the token by which it knows us."""


class DigestSettings(BaseModel):
    """Who gets the digest of a night, and how. User and password of the mail server are in the environment only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: tuple[str, ...] = Field((), description="E-mail addresses it is sent to")
    sender: str | None = Field(None, description="E-mail address it comes from")
    smtp: Annotated[str | None, written(r"smtps?://[^\s/@?#:]+:\d+", "smtp://host:587, without a user")] = Field(
        None, description="Mail server: smtp://host:587 (STARTTLS) or smtps://host:465 (TLS)"
    )
    webhook: Webhook = Field(None, description="Address that takes Slack's JSON, by POST; a secret")
    weekdays: tuple[Weekday, ...] = Field((), description="Mornings on which it is sent; else all")
    report_address: Annotated[str | None, written(r"https?://\S+", "https://reports.example.com/shop")] = Field(
        None, description="Where reports/out can be opened, for the link"
    )

    @field_validator("to", "sender")
    @classmethod
    def are_addresses(cls, given: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        for address in (given,) if isinstance(given, str) else given or ():
            if not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", address):
                raise ValueError("an e-mail address is written like crm@example.com, without a name")
        return given

    @model_validator(mode="after")
    def mail_is_whole(self) -> Self:
        parts = {"digest.to": self.to, "digest.sender": self.sender, "digest.smtp": self.smtp}
        missing = [name for name, value in parts.items() if not value]
        if 0 < len(missing) < len(parts):
            raise ValueError(f"an e-mail needs digest.to, digest.sender and digest.smtp; {missing[0]} is missing")
        return self

    @property
    def is_set(self) -> bool:
        return bool(self.to or self.webhook)
