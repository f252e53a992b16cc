"""Dagster's web UI and daemon for one home, as `dagster dev` starts them, on this machine and for it alone.

The UI has no log-in, and a page anywhere on the web can give its own name the address 127.0.0.1 and then read what the
browser fetches from there (DNS rebinding). Such a request still names the page's host: those are refused. A page of
another origin can also have the browser send commands here without reading the answer: what a browser says to come from
such a page is refused, and what changes something is taken as JSON by POST only, which no page can send elsewhere
unasked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers, QueryParams
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from pipeline.settings import PROJECT

HOSTS = ("127.0.0.1", "localhost")


class OwnPagesOnly:
    """Refuses what pages of other origins have a browser send. Programs, which name no origin, are answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif _is_foreign(scope):
            await _refuse(scope, receive, send, 403, "This page is of another origin than the web UI.")
        elif scope["type"] == "http" and not _may_ask(scope):
            told = "Queries and commands are sent by POST as application/json."
            await _refuse(scope, receive, send, 415, told)
        else:
            await self._app(scope, receive, send)


def _is_foreign(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if origins := headers.getlist("origin"):
        return any(urlsplit(origin).netloc != headers.get("host") for origin in origins)
    is_link = scope.get("method") == "GET" and headers.get("sec-fetch-dest") == "document"  # that somebody followed
    return headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link


def _may_ask(scope: Scope) -> bool:
    """Whether a request asks for a page, or comes in the one form in which it may ask for more."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        has_query = "query" in QueryParams(scope["query_string"])
        return not (scope["path"].rstrip("/").endswith("/graphql") and has_query)
    return Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, told: str) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(1008, told)(scope, receive, send)
    else:
        await PlainTextResponse(told, status)(scope, receive, send)


class LocalWebserver(DagsterWebserver[Any, Any]):
    """The web UI, for requests and subscriptions that were sent to this machine under its own name by its own pages."""

    def build_middleware(self) -> list[Middleware]:
        trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)
        return [trusted, Middleware(OwnPagesOnly), *super().build_middleware()]


def serve(port: int) -> None:
    """Both until Ctrl-C; DAGSTER_HOME and PERENNIAL_HOME name the home."""
    workspace = ["--workspace", str(PROJECT / "workspace.yaml")]
    os.environ["DAGSTER_IS_DEV_CLI"] = "1"
    vars(app)[DagsterWebserver.__name__] = LocalWebserver  # which the command line of the server makes
    daemon = subprocess.Popen([sys.executable, "-m", "dagster._daemon", "run", *workspace])  # noqa: S603 - ours
    try:
        cli.cli(["--host", HOSTS[0], "--port", str(port), *workspace])
    finally:
        daemon.terminate()
        daemon.wait()
