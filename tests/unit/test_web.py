"""The web UI answers to requests that name this machine, and to no other."""

import asyncio

import pytest
from dagster_webserver import app
from dagster_webserver.webserver import DagsterWebserver
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from pipeline.web import LocalWebserver


async def _socket(websocket):
    await websocket.accept()
    await websocket.close()


def answer(host: str, kind: str) -> object:
    """The status of a request, or the type of the first message of a subscription."""
    routes = [Route("/graphql", lambda _: PlainTextResponse("secret")), WebSocketRoute("/graphql", _socket)]
    served = Starlette(
        routes=routes, middleware=LocalWebserver.build_middleware(LocalWebserver.__new__(LocalWebserver))
    )
    sent = []

    async def ask() -> None:
        async def receive():
            return {"type": "http.request"} if kind == "http" else {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        scope = {"type": kind, "method": "GET", "path": "/graphql", "headers": [(b"host", host.encode())]}
        await served(scope | {"query_string": b"", "client": ("127.0.0.1", 1), "subprotocols": []}, receive, send)

    asyncio.run(ask())
    return sent[0].get("status", sent[0]["type"])


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "localhost"])
def test_this_machine_is_answered(host):
    assert answer(host, "http") == 200
    assert answer(host, "websocket") == "websocket.accept"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost.evil", ""])
def test_any_other_name_is_refused(host):
    assert answer(host, "http") == 400
    assert answer(host, "websocket") != "websocket.accept"


def test_dagster_still_makes_the_server_by_the_name_that_is_replaced():
    names = app.create_app_from_workspace_process_context.__code__.co_names
    assert "DagsterWebserver" in names and issubclass(LocalWebserver, DagsterWebserver)
