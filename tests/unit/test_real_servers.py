"""Destinations of files on real servers: moto's of S3, an emulator of Google Storage, and OpenSSH's SFTP server."""

from __future__ import annotations

import base64
import datetime as dt
import getpass
import hashlib
import json
import os
import resource
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import moto.settings
import paramiko
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from pipeline.activation.destinations import trying
from pipeline.activation.destinations.destination import DeliveryFailed
from pipeline.activation.destinations.files import Files
from pipeline.activation.ledger import Listed, Row
from pipeline.sections.activation import Mode
from pipeline.sections.delivery import Destination
from pipeline.tables.platforms import platforms

D1, D2 = dt.date(2026, 3, 30), dt.date(2026, 3, 31)
COLUMNS, IDENTIFIERS = ("Email", "Phone Number", "First Name", "orders"), ("Email", "Phone Number")
LARGEST = 200_000
"""Bytes that the SFTP server writes into one file."""


@dataclass
class Folder:
    """A folder of a server: its address, and what lies in it by another way."""

    url: str
    files: dict[str, bytes]


class Store(Folder):
    """A bucket, looked at by a client of its own."""

    def __init__(self, url: str, endpoint: str, bucket: str) -> None:
        self.url, self.endpoint, self.bucket = f"s3://{bucket}/lists", endpoint, bucket
        self.fs = s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True, use_listings_cache=False)

    @property
    def files(self) -> dict[str, bytes]:  # type: ignore[override]
        return {
            path.removeprefix(f"{self.bucket}/lists/"): self.fs.cat_file(path) for path in self.fs.find(self.bucket)
        }


class Google(Folder):
    """A bucket of the emulator, looked at by a client of its own."""

    def __init__(self, bucket: str) -> None:
        self.url, self.bucket = f"gs://{bucket}/lists", bucket

    @property
    def fs(self) -> Any:
        import gcsfs

        return gcsfs.GCSFileSystem(skip_instance_cache=True, use_listings_cache=False)

    @property
    def files(self) -> dict[str, bytes]:  # type: ignore[override]
        fs = self.fs
        return {path.removeprefix(f"{self.bucket}/lists/"): fs.cat_file(path) for path in fs.find(self.bucket)}


class Disk(Folder):
    """The folder that the SFTP server of this machine writes into."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path = url, path

    @property
    def files(self) -> dict[str, bytes]:  # type: ignore[override]
        return {
            file.relative_to(self.path).as_posix(): file.read_bytes() for file in self.path.rglob("*") if file.is_file()
        }


# ── servers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def store(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_server, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with urllib.request.urlopen(f"{s3_server}/moto-api/reset", data=b""):
        pass
    store = Store("", s3_server, "shop")
    store.fs.mkdir("shop")
    return store


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    missing = "gcsfs or its emulator is not installed"
    pytest.importorskip("gcsfs", reason=missing)
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason=missing)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="shop")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    yield Google("shop")
    server.stop()


@pytest.fixture(params=[401, 403])
def google_refuses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that lets nobody write, and says so as Google does."""
    pytest.importorskip("gcsfs", reason="gcsfs or its emulator is not installed")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told = json.dumps({"error": {"code": request.param, "message": "Anonymous caller may not create"}}).encode()
            self.send_response(request.param)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


@dataclass
class SshServer:
    """OpenSSH on two ports of this machine: on the second nothing may be written."""

    ports: tuple[int, int]
    host_key: str
    user_key: Path


@pytest.fixture(scope="module")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if sshd is None:
        pytest.skip("sshd is not installed")
    folder = tmp_path_factory.mktemp("ssh")
    keys = {name: _key(folder / name) for name in ("host", "user")}
    (folder / "allowed").write_text(keys["user"] + "\n")
    ports = _free_port(), _free_port()
    (folder / "config").write_text(
        f"Port {ports[0]}\nPort {ports[1]}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/allowed\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin yes\nStrictModes no\nUsePAM no\nSubsystem sftp internal-sftp\n"
        f"Match LocalPort {ports[1]}\nForceCommand internal-sftp -R\n"
    )
    if os.getuid() == 0:
        with suppress(OSError):  # where it gives up its rights to
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command, limit = [sshd, "-D", "-e", "-f", str(folder / "config")], (resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stderr=log, preexec_fn=lambda: resource.setrlimit(*limit)) as server,
    ):
        try:
            _wait_for(ports[0], server, folder / "log")
            yield SshServer(ports, keys["host"], folder / "user")
        finally:
            server.terminate()


def _key(file: Path) -> str:
    """The public half of a new key, which is written to the file."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)
    return file.with_suffix(".pub").read_text().strip()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert server.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def disk(ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Its folder, and a user who knows the server and whom it knows."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    ssh = tmp_path / "user" / ".ssh"
    ssh.mkdir(parents=True)
    shutil.copy(ssh_server.user_key, ssh / "id_ed25519")
    knows(tmp_path, ssh_server.ports, ssh_server.host_key)
    return Disk(url_of(ssh_server, tmp_path / "there"), tmp_path / "there")


def url_of(server: SshServer, path: Path, place: int = 0) -> str:
    return f"sftp://{getpass.getuser()}@127.0.0.1:{server.ports[place]}{path}"


def knows(folder: Path, ports: tuple[int, ...], key: str) -> None:
    lines = [f"[127.0.0.1]:{port} {key}" for port in ports]
    (folder / "user" / ".ssh" / "known_hosts").write_text("\n".join([*lines, ""]))


@pytest.fixture(params=["store", "google", "disk"])
def folder(request: pytest.FixtureRequest) -> Folder:
    found: Folder = request.getfixturevalue(request.param)
    return found


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────────────────────────


def sender(home: Path, url: str, **more: Any) -> Files:
    (home / "data" / "people").mkdir(parents=True, exist_ok=True)
    return Files(Destination(platform="klaviyo", url=url, **more), platforms()["klaviyo"], home, lambda _: None)


def row(customer: str, name: str = "A") -> Row:
    cells = {"Email": f"{customer}@x.com", "Phone Number": None, "First Name": name, "orders": 2}
    return Row(customer, json.dumps({"Email": f"{customer}@x.com"}), json.dumps(cells))


def listed(mode: Mode, *files: str) -> Listed:
    return Listed("klaviyo", "all/loyal", mode, False, COLUMNS, ("First Name",), IDENTIFIERS, "v", files)


def send(files: Files, of: Listed, kind: Any, *rows: Row, day: dt.date = D1, key: str = "k" * 64) -> None:
    assert [answer.rows for answer in files.send("all/loyal", of, kind, rows, day, key)] == [rows]


def whole_list(home: Path, text: str, day: dt.date = D1) -> Listed:
    """The list as it lies in the home."""
    target = f"data/audiences/{day}/all/loyal.klaviyo.csv"
    (home / target).parent.mkdir(parents=True, exist_ok=True)
    (home / target).write_text(text)
    return listed("full", target)


def require_told(folder: Folder, day: dt.date = D1) -> list[str]:
    """The files that the manifest of a day names; they are those that are there, byte for byte."""
    found = {name: content for name, content in folder.files.items() if name.startswith(str(day))}
    manifest = json.loads(found.pop(f"{day}/manifest.json"))
    told = {one["path"]: (one["bytes"], one["sha256"]) for one in manifest["files"]}
    assert told == {name: (len(text), hashlib.sha256(text).hexdigest()) for name, text in found.items()}
    return sorted(told)


def test_a_difference_arrives_removals_first(folder, tmp_path):
    files = sender(tmp_path, folder.url)
    send(files, listed("diff"), "removed", row("b"), key="1" * 64)
    assert require_told(folder) == ["2026-03-30/all/loyal.klaviyo-removed-11111111.csv"]
    send(files, listed("diff"), "added", row("a", "=1+1"), row("c"), key="2" * 64)
    assert require_told(folder) == [
        "2026-03-30/all/loyal.klaviyo-added-22222222.csv", "2026-03-30/all/loyal.klaviyo-removed-11111111.csv",
    ]  # fmt: skip
    texts = {name.split("-")[-2]: text.decode() for name, text in folder.files.items() if name.endswith(".csv")}
    assert texts == {
        "removed": "Email,Phone Number\nb@x.com,\n",
        "added": "Email,Phone Number,First Name,orders\na@x.com,,'=1+1,2\nc@x.com,,A,2\n",
    }


@pytest.mark.parametrize("mode", ["full", "replace"])
def test_a_whole_list_stands_for_the_one_before(folder, tmp_path, mode):
    files = sender(tmp_path, folder.url)
    for text, names in (("Email\na@x.com\nb@x.com\n", "ab"), ("Email\na@x.com\n", "a")):
        of = whole_list(tmp_path, text)
        send(files, Listed(**{**vars(of), "mode": mode}), "added", *map(row, names))
        assert require_told(folder) == ["2026-03-30/all/loyal.klaviyo.csv"]
        assert folder.files["2026-03-30/all/loyal.klaviyo.csv"].decode() == text
    send(files, whole_list(tmp_path, "Email\nc@x.com\n", D2), "added", row("c"), day=D2)
    assert (require_told(folder), require_told(folder, D2)) == (
        ["2026-03-30/all/loyal.klaviyo.csv"], ["2026-03-31/all/loyal.klaviyo.csv"],
    )  # fmt: skip


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────────────────


def failure_of(files: Files, of: Listed, *names: str) -> str:
    with pytest.raises(DeliveryFailed) as failure:
        list(files.send("all/loyal", of, "added", [row(name) for name in names or "a"], D1, "k" * 64))
    assert "x.com" not in str(failure.value)
    return str(failure.value)


def test_a_file_that_stops_half_way_leaves_the_one_before(disk, ssh_server, tmp_path):
    files, text = sender(tmp_path, disk.url), "Email\na@x.com\n"
    send(files, whole_list(tmp_path, text), "added", row("a"))
    told = failure_of(files, whole_list(tmp_path, "Email\n" + "b@x.com\n" * (LARGEST // 4)), "b")
    assert told.startswith(disk.url) and told.endswith(f", {trying.TRIES} times; the rest is sent the next time.")
    assert disk.files["2026-03-30/all/loyal.klaviyo.csv"].decode() == text
    (entry,) = json.loads(disk.files["2026-03-30/manifest.json"])["files"]
    assert entry["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    send(files, whole_list(tmp_path, "Email\nc@x.com\n"), "added", row("c"))
    assert require_told(disk) == ["2026-03-30/all/loyal.klaviyo.csv"]


def test_an_object_that_stops_half_way_leaves_the_one_before(store, tmp_path, monkeypatch):
    files, text = sender(tmp_path, store.url), "Email\na@x.com\n"
    send(files, whole_list(tmp_path, text), "added", row("a"))
    plain = s3fs.S3FileSystem._call_s3

    async def cut(self: Any, method: str, *told: Any, **given: Any) -> Any:
        if method != "put_object":
            return await plain(self, method, *told, **given)
        begun = await plain(self, "create_multipart_upload", Bucket=given["Bucket"], Key=given["Key"])
        half = {"Body": given["Body"][: len(given["Body"]) // 2], "PartNumber": 1, "UploadId": begun["UploadId"]}
        await plain(self, "upload_part", Bucket=given["Bucket"], Key=given["Key"], **half)
        raise ConnectionResetError

    with monkeypatch.context() as broken:
        broken.setattr(trying, "TRIES", 2)
        broken.setattr(s3fs.S3FileSystem, "_call_s3", cut)
        told = failure_of(files, whole_list(tmp_path, "Email\nb@x.com\nc@x.com\n"), "b", "c")
    assert told == f"{store.url}: it cannot be written (ConnectionResetError), 2 times; the rest is sent the next time."
    assert store.files["2026-03-30/all/loyal.klaviyo.csv"].decode() == text
    assert require_told(store) == ["2026-03-30/all/loyal.klaviyo.csv"]


def test_a_bucket_that_is_not_there_is_not_made(store, tmp_path):
    told = failure_of(sender(tmp_path, "s3://shpo/lists"), listed("diff"))
    assert told == "s3://shpo/lists cannot be written: there is no such bucket. Make it, or check the address."
    assert store.fs.ls("") == ["shop"]


def test_a_bucket_of_google_that_is_not_there_is_not_made(google, tmp_path):
    told = failure_of(sender(tmp_path, "gs://shpo/lists"), listed("diff"))
    assert told == "gs://shpo/lists cannot be written: there is no such bucket. Make it, or check the address."
    assert [one.strip("/") for one in google.fs.buckets] == ["shop"]


def test_google_that_lets_nobody_write_is_told(google_refuses, tmp_path):
    told = failure_of(sender(tmp_path, "gs://shop/lists"), listed("diff"))
    assert told == "gs://shop/lists cannot be written: access is denied. Check the credentials."


def test_keys_that_may_not_write_are_told(store, tmp_path, monkeypatch):
    files = sender(tmp_path, store.url)
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from now on, keys are looked at
    told = failure_of(files, listed("diff"))
    assert told == f"{store.url} cannot be written: access is denied. Check the credentials."


def test_no_keys_at_all_are_told(store, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert "access is denied. Check the credentials." in failure_of(sender(tmp_path, store.url), listed("diff"))


def test_a_server_that_lets_nobody_write_is_told(disk, ssh_server, tmp_path):
    url = url_of(ssh_server, disk.path, place=1)
    assert failure_of(sender(tmp_path, url), listed("diff")) == (
        f"{url} cannot be written: access is denied. Check the credentials."
    )
    assert disk.files == {}


def refusal_of(tmp_path: Path, url: str, **more: Any) -> str:
    with pytest.raises(DeliveryFailed) as failure:
        sender(tmp_path, url, **more)
    return str(failure.value)


def test_a_server_whose_key_is_not_known_gets_nothing(disk, ssh_server, tmp_path):
    knows(tmp_path, (), "")
    told = refusal_of(tmp_path, disk.url)
    kind, key = ssh_server.host_key.split()
    shown = paramiko.PKey.from_type_string(kind, base64.b64decode(key))
    assert told.startswith(f"[127.0.0.1]:{ssh_server.ports[0]} shows a key that is not known (ssh-ed25519 SHA256:")
    assert shown.fingerprint in told and "known_hosts" in told and disk.files == {}
    assert (tmp_path / "user" / ".ssh" / "known_hosts").read_text().strip() == "", "nor is it known from now on"


def test_a_server_with_another_key_than_before_gets_nothing(disk, ssh_server, tmp_path):
    knows(tmp_path, ssh_server.ports, _key(tmp_path / "other"))
    told = refusal_of(tmp_path, disk.url)
    assert "shows another key" in told and "nothing is sent" in told and disk.files == {}


def test_whom_the_server_does_not_know_is_told_so(disk, tmp_path, monkeypatch):
    (tmp_path / "user" / ".ssh" / "id_ed25519").unlink()
    monkeypatch.setenv("PARTNER_PASSWORD", "hidden")
    for more in ({}, {"credential": "PARTNER_PASSWORD"}):
        told = refusal_of(tmp_path, disk.url, **more)
        assert "does not let us in: access is denied" in told and "hidden" not in told


def test_a_connection_that_is_lost_is_made_anew(disk, tmp_path):
    files = sender(tmp_path, disk.url)
    assert files._opened is not None
    files._opened[0].client.close()
    send(files, listed("diff"), "added", row("a"))
    assert len(require_told(disk)) == 1
