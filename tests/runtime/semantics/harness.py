"""Services that do what a test tells them, on a real server, and clients of them."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.e2e.support import PATIENCE, Client, Server
from tests.runtime.project import bossgen

HERE = Path(__file__).parent


def make_project(
    parent: Path,
    *,
    toml: str = "",
    services: int = 0,
    handlers: Mapping[str, str] | None = None,
    base_url: str = "",
    application: str | None = None,
) -> Path:
    """Build the project `myapp`.

    Args:
        toml: sections of boss.toml.
        services: how many scripted services of each kind there are: d00, d01... with `def`, a00... with `async def`.
        handlers: texts of further handlers, keyed by service name; None as a text stands for a scripted one.
    """
    project = parent / "myapp"
    websocket, lib = project / "src" / "websocket", project / "src" / "lib"
    websocket.mkdir(parents=True)
    lib.mkdir()
    (project / "boss.toml").write_text(
        f'app = "myapp"\nbase_url = "{base_url}"\n\n{toml}'
    )
    (project / "app.py").write_text(
        application or (HERE / "application.py").read_text()
    )
    (lib / "script.py").write_text((HERE / "script.py").read_text())
    texts = {f"{kind}{n:02}": "" for kind in "da" for n in range(services)}
    for name, text in {**texts, **(handlers or {})}.items():
        path = websocket / f"myapp_{name}_websocket.py"
        path.write_text(text or scripted(awaits=name.startswith("a")))
    bossgen("build", cwd=project)
    return project


def scripted(*, awaits: bool) -> str:
    """The text of a scripted handler."""
    text = (HERE / "scripted.py").read_text()
    return (
        text
        if awaits
        else text.replace("async def", "def").replace("await called", "called")
    )


class Http:
    """Plain HTTP to a server."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def ask(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of a GET, or with a body of a POST."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            self.server.url(path),
            data,
            {"content-type": "application/json", **(headers or {})},
        )
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                status, content = answer.status, answer.read()
        except HTTPError as error:
            with error:
                status, content = error.code, error.read()
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content.decode()


def until(condition: Callable[[], Any], explain: Callable[[], object]) -> Any:
    """Ask again and again until the answer is true; fail after a while with what `explain` says."""
    deadline = time.monotonic() + PATIENCE / 2
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, explain()
        time.sleep(0.005)


class Service:
    """One scripted service of a server."""

    def __init__(
        self, clients: ExitStack, server: Server, name: str, base_url: str = ""
    ) -> None:
        self.clients = clients  # closes them when the test is over
        self.server = server
        self.name = name
        self.base_url = base_url
        self.url = f"{base_url}/websocket/{name}"
        self.http = Http(server)

    # What it is told to do.

    def on(self, **scripts: str) -> None:
        """Let callbacks run these pieces of code from now on."""
        for callback, code in scripts.items():
            status, answer = self.http.ask(
                f"/on/{self.name}/{callback}", {"code": code}
            )
            assert status == 200, answer

    def do(self, code: str, where: str = "do") -> Any:
        """Run code outside of the service: on the loop ("do"), in a "thread", in the "background" of a response."""
        status, answer = self.http.ask(f"/{where}/{self.name}", {"code": code})
        assert status == 200, answer
        if answer and "raised" in answer:
            return f"{answer['raised']}: {answer['text']}"
        return answer and answer["result"]

    def broadcast(self, message: Any) -> Any:
        return self.do(f"services.{self.name}.broadcast({message!r})")

    def info(self, message: Any) -> Any:
        return self.do(f"services.{self.name}.info({message!r})")

    def open(self, gate: str) -> None:
        self.do(f"open_gate({gate!r})")

    # Its clients.

    def connect(self, who: str = "", **options: Any) -> Client:
        """A client whose handshake has been answered; the service may not know of it yet."""
        client = self.server.connect(f"{self.url}?name={who}", **options)
        return self.clients.enter_context(client)

    def join(self, who: str = "", **options: Any) -> Client:
        """A client that the service knows."""
        before = self.count("handle_join", who)
        client = self.connect(who, **options)
        self.wait("handle_join", who, times=before + 1)
        return client

    # What it did.

    def journal(self) -> list[tuple[str, str, Any]]:
        """Every call so far: callback, client, and what it was called with."""
        _, entries = self.http.ask(f"/journal/{self.name}")
        return [(e["callback"], e["who"], e["what"]) for e in entries]

    def calls(self, *callbacks: str) -> list[tuple[str, str, Any]]:
        """The calls of these callbacks."""
        return [entry for entry in self.journal() if entry[0] in callbacks]

    def count(self, callback: str, who: str | None = None) -> int:
        return sum(
            name == callback and who in (None, client)
            for name, client, _ in self.journal()
        )

    def wait(self, callback: str, who: str | None = None, times: int = 1) -> Any:
        """Wait for the call number `times` of `callback` (for client `who`), and return what it was called with."""

        def find() -> list[Any]:
            found = [
                [what]
                for name, client, what in self.journal()
                if name == callback and who in (None, client)
            ]
            return found[times - 1] if len(found) >= times else []

        (what,) = until(
            find,
            lambda: f"no call {times} of {callback} {who or ''}: {self.journal()}",
        )
        return what

    def wait_note(self, what: object) -> None:
        """Wait for a note of a script."""
        until(
            lambda: ("note", "", what) in self.journal(),
            lambda: f"no note {what!r}: {self.journal()}",
        )

    def settle(self) -> None:
        """Wait until everything queued before has been delivered."""
        before = self.count("handle_info")
        assert self.info("settle") is None
        until(
            lambda: (
                self.calls("handle_info")[before:]
                and ("handle_info", "", "settle") in self.calls("handle_info")[before:]
            ),
            self.journal,
        )

    def state(self) -> dict[str, Any]:
        """What /healthz says of it."""
        _, answer = self.http.ask(f"{self.base_url}/healthz")
        state: dict[str, Any] = answer["services"][self.name]
        return state

    def wait_state(self, state: str) -> None:
        until(lambda: self.state()["state"] == state, lambda: self.state())
