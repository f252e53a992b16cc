"""Dagster's web UI and daemon for one home, as `dagster dev` starts them, on this machine and for it alone.

The UI has no log-in, and a page anywhere on the web can give its own name the address 127.0.0.1 and then read what the
browser fetches from there (DNS rebinding). Such a request still names the page's host: those are refused.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

HOSTS = ("127.0.0.1", "localhost")


class LocalWebserver(DagsterWebserver[Any, Any]):
    """The web UI, for requests and subscriptions that were sent to this machine under its own name."""

    def build_middleware(self) -> list[Middleware]:
        trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)
        return [trusted, *super().build_middleware()]


def main(port: str = "3000") -> None:
    """Both until Ctrl-C; DAGSTER_HOME and PERENNIAL_HOME name the home."""
    workspace = ["--workspace", "workspace.yaml"]
    os.environ["DAGSTER_IS_DEV_CLI"] = "1"
    vars(app)[DagsterWebserver.__name__] = LocalWebserver  # which the command line of the server makes
    daemon = subprocess.Popen([sys.executable, "-m", "dagster._daemon", "run", *workspace])  # noqa: S603 - ours
    try:
        cli.cli(["--host", HOSTS[0], "--port", port, *workspace])
    finally:
        daemon.terminate()
        daemon.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
