"""SFTP, to servers whose key is known: who only looks like the server gets nobody's address.

fsspec's own would take the key of any server that it meets for the first time, and looks at no list of known ones.
Import it where it is needed: it asks for paramiko.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from pipeline.activation.destinations.destination import DeliveryFailed

_OF_ALL = Path("/etc/ssh/ssh_known_hosts")
_SECONDS = 30
_KNOWN = "~/.ssh/known_hosts"


class Sftp(SFTPFileSystem):  # type: ignore[misc]
    """A folder of a server. Users are known by `password`, by an agent, or by the keys in ~/.ssh."""

    def _connect(self) -> None:
        """Raises DeliveryFailed where the server is not known or does not let us in; else what may pass."""
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        if _OF_ALL.is_file():
            self.client.load_system_host_keys(str(_OF_ALL))
        self.client.set_missing_host_key_policy(_Refuse())
        try:
            self.client.connect(
                self.host, timeout=_SECONDS, banner_timeout=_SECONDS, auth_timeout=_SECONDS, **self.ssh_kwargs
            )
            self.ftp = self.client.open_sftp()
        except paramiko.BadHostKeyException as error:
            raise DeliveryFailed(
                f"{self.host} shows another key ({error.key.fingerprint}) than the one that is known: it may be "
                f"somebody else, and nothing is sent. If its owner says that the key changed, change it in {_KNOWN}."
            ) from None
        except paramiko.SSHException as error:
            if isinstance(error, paramiko.AuthenticationException) or "authentication" in str(error):
                raise DeliveryFailed(
                    f"{self.host} does not let us in: access is denied. Check the user in the address, and the "
                    f"password in the environment or the key in ~/.ssh."
                ) from None
            raise


class _Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    def missing_host_key(self, client: Any, hostname: str, key: Any) -> Never:
        raise DeliveryFailed(
            f"{hostname} shows a key that is not known ({key.get_name()} {key.fingerprint}), and nothing is sent. "
            f"Compare it with what its owner says, and add it to {_KNOWN}, as ssh-keyscan prints it."
        )
