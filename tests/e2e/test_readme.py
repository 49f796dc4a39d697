"""Every code block of the README is true: typed in, written down, run, or found in what is generated."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from bossgen.behaviour import behaviour
from tests.e2e.checks import check
from tests.e2e.support import (
    REPOSITORY,
    Bossgen,
    Server,
    environment,
    run,
    serving,
)

IN_APP = "app.py, before the pages are mounted"
README = (REPOSITORY / "README.md").read_text()


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str  # "python", "sh repository"
    text: str

    @property
    def path(self) -> str:
        """What the comment in its first line names: "src/websocket/..."."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def body(self) -> str:
        return self.text.partition("\n")[2]


BLOCKS = [
    Block(*found)
    for found in re.findall(
        r"^```([a-z ]+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
    )
]


def blocks(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def the(beginning: str) -> Block:
    """The one block whose first line begins so, the mark of a comment aside."""
    (block,) = [block for block in BLOCKS if block.path.startswith(beginning)]
    return block


def sh(block: str, cwd: Path, *path: Path) -> str:
    """Run the lines as a person types them, one after another, until one fails."""
    places = ":".join([*map(str, path), "/usr/bin", "/bin"])
    return run("bash", "-e", "-c", block, cwd=cwd, env=environment(PATH=places)).stdout


@pytest.fixture(scope="module")
def project(
    bossgen: Bossgen, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The reader's project after the four commands and everything to be written."""
    empty = tmp_path_factory.mktemp("readme")
    commands = the("bossgen new myapp").text.splitlines()
    assert commands[-1].split("#")[0].split() == [
        *["uvicorn", "app:app", "--port", "8001"]
    ]
    sh("\n".join(commands[:-1]), empty, bossgen.executable.parent)
    project = empty / "myapp"
    for block in blocks("python"):
        if block.path.endswith(".py"):
            (project / block.path).write_text(block.body)
    imports, _, route = the(IN_APP).body.partition("\n\n\n")
    app = (project / "app.py").read_text()
    app = app.replace("from boss.router", f"{imports}\nfrom boss.router", 1)
    app = app.replace("# The pages.", f"\n{route}\n\n# The pages.", 1)
    (project / "app.py").write_text(app)
    bossgen("build", cwd=project)
    return project


def test_every_block_is_of_a_kind_that_is_tried_here() -> None:
    assert README.count("```") == 2 * len(BLOCKS)
    assert {block.path for block in blocks("python")} == {
        "src/websocket/myapp_chat_websocket.py",
        IN_APP,
        "src/websocket/myapp_members_websocket.py",
        "src/websocket/myapp_lobby_websocket.py",
        "src/websocket/myapp_echo_websocket.py",
        "tests/test_chat_websocket.py",
        "tests/test_lobby_websocket.py",
        "tests/test_chat_orders.py",
        "boss/router.py, in parts",
    }
    assert [block.path for block in blocks("sh")] == [
        "bossgen new myapp && cd myapp",
        "bossgen dev",
        "export BOSS_SECRET=a-long-random-text    # signs the session cookie",
        "bossgen update --data deploy=docker,nginx,systemd,github",
        "bossgen build --check",
        'python -m pip install --upgrade "pip>=25.1"',
        "bossgen update --check",
    ]
    others = [b.language for b in BLOCKS if b.language not in {"python", "sh"}]
    assert others == ["html", "html", "erlang", "toml", "text", "sh repository"]


def test_what_is_written_passes_all_checks(
    project: Path, tools: dict[str, str]
) -> None:
    check(project, tools)


def test_the_fourth_command_serves_the_chat(python: Path, project: Path) -> None:
    with (
        serving(python, project, "plain") as server,
        server.connect("/websocket/chat", subprotocols=["some_service_name"]) as ann,
        server.connect("/websocket/chat") as bob,
    ):
        assert ann.receive() == bob.receive() == "welcome to /websocket/chat"
        ann.send("hi")
        assert ann.receive() == bob.receive() == "hi"
        httpx2.post(server.url("/announce?text=news")).raise_for_status()
        assert ann.receive() == bob.receive() == "news"
        ann.close()
        assert bob.receive() == "someone left, 1 stay"
        with pytest.raises(InvalidStatus), server.connect("/websocket/members"):
            pass
        with server.connect("/websocket/members?token=sesame") as member:
            assert member.receive() == "welcome, ann"
        with server.connect("/websocket/echo") as client:
            assert client.ask("echo") == "echo"
        with server.connect("/websocket/lobby?room=tea&name=cid") as cid:
            assert cid.receive() == '{"here":["cid"]}'
            assert cid.ask('{"text":"hi"}') == '{"from":"cid","text":"hi"}'


def test_the_handler_in_erlang_has_our_callbacks() -> None:
    """The same seven, with the same arities."""
    exported = re.findall(r"(\w+)/(\d)", blocks("erlang")[0].text)
    handler = (REPOSITORY / "template/boss/runtime/handler.py").read_text()
    declared = [
        (callback.name, str(len(callback.parameters)))
        for callback in behaviour(handler).callbacks
    ]
    assert sorted(exported) == sorted(declared)


def test_dev_serves_what_was_built(bossgen: Bossgen, project: Path) -> None:
    command = [str(bossgen.executable), *the("bossgen dev").text.split()[1:]]
    with Server(command, project, environment(BOSS_PORT="0")) as server:
        with server.started().connect("/websocket/echo") as client:
            assert client.ask("echo") == "echo"
        os.killpg(server.process.pid, signal.SIGINT)
        server.ended()


def test_files_for_the_deployment_and_the_tools_of_the_workflow(
    bossgen: Bossgen, project: Path, tools: dict[str, str]
) -> None:
    sh(the("bossgen update --data").text, project, bossgen.executable.parent)
    for name in ("Dockerfile", "compose.yaml", "deploy/nginx.conf"):
        assert (project / name).is_file()
    *install, test = the("python -m pip").text.splitlines()
    workflow = (project / ".github/workflows/check.yml").read_text()
    assert "".join(f"          {line}\n" for line in install) in workflow
    sh(test, project, Path(tools["PATH"].partition(":")[0]))


def test_upgrading(bossgen: Bossgen, project: Path) -> None:
    (project / "priv/static/icon.svg").unlink()
    sh(the("bossgen update --check").text, project, bossgen.executable.parent)
    assert not (project / "priv/static/icon.svg").exists(), "deleted stays deleted"


def test_the_browser_s_call_names_a_route_of_the_project(project: Path) -> None:
    block, _ = blocks("html")
    url = re.search(r'"ws://localhost:8001(/[^"]+)", "some_service_name"', block.text)
    assert url is not None
    assert f'"{url[1]}"' in (project / "boss" / "router.py").read_text()


def test_production(python: Path, project: Path) -> None:
    """The two lines start a server; the variable is the one that signs the sessions."""
    lines = the("export").text.splitlines()
    name, _, value = lines[0].split("#")[0].split()[1].partition("=")
    assert lines[1] == "python -m boss"
    with serving(python, project, "fast", env={name: value}) as server:
        assert httpx2.get(server.url("/healthz")).json()["status"] == "ok"
        assert "BOSS_SECRET" not in server.log
    shown = run(python, "-m", "boss", "--show-settings", cwd=project).stdout
    assert "port = 8001" in shown


def test_boss_toml_of_production(bossgen: Bossgen, python: Path, project: Path) -> None:
    before = (project / "boss.toml").read_text()
    try:
        (project / "boss.toml").write_text(the("boss.toml").body)
        bossgen("build", cwd=project)
        with serving(python, project, "fast") as server:
            assert httpx2.get(server.url("/boss/services.json")).status_code == 404
            assert "http://0.0.0.0:" in server.log
    finally:
        (project / "boss.toml").write_text(before)
        bossgen("build", cwd=project)


def test_lines_for_ci(bossgen: Bossgen, project: Path, tools: dict[str, str]) -> None:
    dev = Path(tools["PATH"].partition(":")[0])
    sh(the("bossgen build --check").text, project, bossgen.executable.parent, dev)


def test_the_router_that_is_shown(project: Path) -> None:
    router = (project / "boss" / "router.py").read_text()
    for part in the("boss/router.py, in parts").body.split("# ...\n"):
        assert part in router


def test_the_diagnostic_that_is_shown(bossgen: Bossgen, tmp_path: Path) -> None:
    bossgen("new", "myapp", "--defaults", cwd=tmp_path)
    (tmp_path / "myapp/src/websocket/myapp_chat_websocket.py").write_text(
        "from boss import Noreply, ServiceHandler\n\n\n"
        "class ChatWebsocket(ServiceHandler[None]):\n"
        "    def handle_join(self, service_url, websocket):\n"
        "        return Noreply(None)\n"
    )
    said = bossgen("build", cwd=tmp_path / "myapp", expect=1).stderr
    assert blocks("text")[0].text in said


def test_scripts_of_the_repository() -> None:
    usage = run(REPOSITORY / "dev", "help", cwd=REPOSITORY, expect=2).stdout
    for line in blocks("sh repository")[0].text.splitlines():
        assert line.split("#")[0].rstrip() in usage


def test_every_link_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (REPOSITORY / target).is_file()
