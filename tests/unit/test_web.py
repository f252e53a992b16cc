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


def answer(host: str, kind: str, method: str = "GET", target: str = "/graphql", **headers: str) -> object:
    """The status of a request, or the type of the first message of a subscription."""
    routes = [
        WebSocketRoute("/graphql", _socket),
        Route("/{path:path}", lambda _: PlainTextResponse("secret"), methods=["GET", "POST", "PUT"]),
    ]
    served = Starlette(
        routes=routes, middleware=LocalWebserver.build_middleware(LocalWebserver.__new__(LocalWebserver))
    )
    sent = []

    async def ask() -> None:
        async def receive():
            return {"type": "http.request"} if kind == "http" else {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        path, _, query = target.partition("?")
        told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": kind, "method": method, "path": path, "headers": [(b"host", host.encode()), *told]}
        await served(
            scope | {"query_string": query.encode(), "client": ("127.0.0.1", 1), "subprotocols": []}, receive, send
        )

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


HERE, JSON = "127.0.0.1:3000", "application/json"


@pytest.mark.parametrize("name", ["127.0.0.1:3000", "localhost:4000"])
def test_the_pages_of_the_ui_are_served_and_may_ask_and_command(name):
    own = {"origin": f"http://{name}", "sec_fetch_site": "same-origin"}
    assert answer(name, "http", "POST", content_type=JSON, **own) == 200
    assert answer(name, "http", "POST", content_type=f"{JSON}; charset=utf-8", **own) == 200
    assert answer(name, "websocket", **own) == "websocket.accept"
    for target in ("/", "/runs?query=x", "/graphql"):
        assert answer(name, "http", target=target, sec_fetch_site="none") == 200
    assert answer(name, "http", target="/runs", sec_fetch_site="cross-site", sec_fetch_dest="document") == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""}, {"origin": "http://127.0.0.1:8000"},
        {"origin": f"http://{HERE}.evil.example"}, {"origin": f"http://{HERE}@evil.example"},
        {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"},
        {"origin": "http://evil.example", "sec_fetch_site": "same-origin"},
    ],
)  # fmt: skip
def test_pages_of_other_origins_can_neither_ask_nor_command(foreign):
    assert answer(HERE, "http", **foreign) == 403
    assert answer(HERE, "http", "POST", "/report_asset_materialization/a", content_type=JSON, **foreign) == 403
    assert answer(HERE, "websocket", **foreign) == "websocket.close"
    assert answer(HERE, "http", sec_fetch_dest="iframe", **foreign) == 403


@pytest.mark.parametrize("form", ["text/plain", "text/plain; application/json", "application/graphql", "", None])
@pytest.mark.parametrize("target", ["/graphql", "/report_asset_check/a", "/graphql?query=mutation"])
def test_commands_come_in_a_form_that_no_page_can_send_elsewhere_unasked(form, target):
    assert answer(HERE, "http", "POST", target, **({} if form is None else {"content_type": form})) == 415
    for path in ("/graphql", "/graphql/"):
        assert answer(HERE, "http", target=f"{path}?query=mutation%7Bx%7D") == 415


def test_dagster_still_makes_the_server_by_the_name_that_is_replaced():
    names = app.create_app_from_workspace_process_context.__code__.co_names
    assert "DagsterWebserver" in names and issubclass(LocalWebserver, DagsterWebserver)
