"""causes.py: for each file why it would change, and for each line what it comes from."""

from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest

from bossgen.causes import RUNTIME, UNDONE, Finding, find_causes
from bossgen.header import BLANK, COPIED, combined, seal
from bossgen.model import Files
from bossgen.render import ROUTER, SERVICES
from bossgen.write import Change
from tests.compiling import compiled, handler

CHAT = "src/websocket/myapp_chat_websocket.py"
ECHO = "src/websocket/myapp_echo_websocket.py"
WORKER = PurePosixPath("boss/runtime/worker.py")
TESTING = PurePosixPath("boss/testing.py")


def findings(disk: Files, handlers: Mapping[str, str], toml: str = "") -> list[Finding]:
    """What is found when the disk holds these files and the project compiles from those handlers."""
    outcome = compiled(handlers, toml)
    changes = [
        Change(path, "update" if path in disk else "create", disk.get(path, ""), new)
        for path, new in outcome.files.items()
        if disk.get(path) != new
    ]
    changes += [
        Change(path, "delete", old, "")
        for path, old in disk.items()
        if path not in outcome.files
    ]
    return list(find_causes(changes, outcome.files, outcome.plan))


def origins(found: list[Finding], path: PurePosixPath = ROUTER) -> dict[str, list[str]]:
    """The lines that differ in one file, keyed by what they come from."""
    [finding] = [one for one in found if one.path == path]
    assert finding.reason == "out of date"
    return {cause.origin: list(cause.lines) for cause in finding.causes}


def files(handlers: Mapping[str, str], toml: str = "") -> dict[PurePosixPath, str]:
    return dict(compiled(handlers, toml).files)


ONE = {"chat": handler("ChatWebsocket", "init")}
TWO = {**ONE, "echo": handler("EchoWebsocket")}


def test_nothing_to_say() -> None:
    assert findings(files(ONE), ONE) == []


def test_missing_and_no_longer_produced() -> None:
    disk = files(ONE)
    del disk[TESTING]
    gone = PurePosixPath("boss/runtime/gone.py")
    disk[gone] = f"{COPIED}.\n"
    assert {
        one.path: one.reason for one in findings(disk, ONE) if one.path != ROUTER
    } == {
        TESTING: "missing",
        gone: "no longer produced",
    }


@pytest.mark.parametrize("path", [ROUTER, SERVICES, WORKER])
def test_edited_by_hand(path: PurePosixPath) -> None:
    disk = files(ONE)
    disk[path] += "# mine\n"
    [finding] = findings(disk, ONE)
    assert finding.path == path
    assert finding.reason == "edited by hand"
    [cause] = finding.causes
    assert (cause.origin, cause.lines) == (UNDONE, ("-# mine",))


def test_a_digest_edited_by_hand() -> None:
    disk = files(ONE)
    right = disk[SERVICES].split("\n")[1]
    disk[SERVICES] = disk[SERVICES].replace(right, f"# digest: {BLANK}")
    [finding] = findings(disk, ONE)
    assert finding.reason == "edited by hand"
    [cause] = finding.causes
    assert cause.lines == (f"-# digest: {BLANK}", f"+{right}")


def test_nothing_left_but_the_header() -> None:
    disk = files(ONE)
    disk[SERVICES] = disk[SERVICES].split("\n")[0]
    [finding] = findings(disk, ONE)
    assert finding.reason == "edited by hand"


def test_a_runtime_of_another_version() -> None:
    older = compiled(ONE)
    disk = files(ONE)
    disk[WORKER] += "# older\n"
    # As if an older bossgen had written it: router.py records what it was written with.
    old_digest = older.files[ROUTER].split("runtime: ")[1][:16]
    copied = [disk[p] for p in sorted(disk) if disk[p].startswith(COPIED)]
    lines = disk[ROUTER].replace(old_digest, combined(copied)).split("\n")
    lines[1] = f"# digest: {BLANK} runtime: {combined(copied)}"
    disk[ROUTER] = seal("\n".join(lines))
    found = findings(disk, ONE)
    assert {one.path: one.reason for one in found} == {
        WORKER: "out of date",
        ROUTER: "out of date",
    }
    assert origins(found, WORKER) == {RUNTIME: ["-# older"]}
    assert list(origins(found)) == [RUNTIME]
    disk[TESTING] += "# mine\n"
    assert {
        one.path: one.reason for one in findings(disk, ONE) if one.path != ROUTER
    } == {WORKER: "different", TESTING: "different"}


def test_without_a_router_nobody_knows_who_changed_a_copy() -> None:
    disk = files(ONE)
    del disk[ROUTER]
    disk[WORKER] += "# ?\n"
    assert {one.path: one.reason for one in findings(disk, ONE)} == {
        WORKER: "different",
        ROUTER: "missing",
    }


def test_a_callback_comes_from_its_handler() -> None:
    changed = {"chat": handler("ChatWebsocket", "init", "handle_join")}
    assert origins(findings(files(ONE), changed)) == {
        CHAT: ['+                "handle_join",']
    }


def test_a_new_service_is_one_cause() -> None:
    found = findings(files(ONE), TWO)
    assert list(origins(found)) == [ECHO]
    lines = origins(found)[ECHO]
    assert "+from src.websocket.myapp_echo_websocket import (" in lines
    assert '+            url="/websocket/echo",' in lines
    assert '+    "/websocket/echo",' in lines
    assert "+    dependencies=EchoWebsocket.dependencies," in lines
    assert origins(found, SERVICES) == {ECHO: ['+echo = ServiceAddress("echo")']}


def test_a_removed_service_is_one_cause() -> None:
    assert list(origins(findings(files(TWO), ONE))) == [ECHO]


def test_the_first_service() -> None:
    assert list(origins(findings(files({}), ONE))) == ["src/websocket/", CHAT]


def test_the_base_url_is_one_cause() -> None:
    found = origins(findings(files(TWO), TWO, 'base_url = "/team"\n'))
    assert list(found) == ["boss.toml, base_url"]
    assert '+base_url = "/team"' in found["boss.toml, base_url"]
    assert '-    "/websocket/{rest:path}",' in found["boss.toml, base_url"]


@pytest.mark.parametrize(
    ("toml", "origin", "lines"),
    [
        (
            "[websocket]\nidle_timeout = 60\n",
            "boss.toml, [websocket] idle_timeout",
            ["-    idle_timeout=0,", "+    idle_timeout=60,"],
        ),
        (
            '[websocket]\nsubprotocols = ["a", "b"]\n',
            "boss.toml, [websocket] subprotocols",
            [
                "-    subprotocols=(),",
                "+    subprotocols=(",
                '+        "a",',
                '+        "b",',
                "+    ),",
            ],
        ),
        (
            "[session]\nmax_age = 60\n",
            "boss.toml, [session] max_age",
            ["-        max_age=525600,", "+        max_age=60,"],
        ),
        (
            '[supervisor]\nrestart = "permanent"\n',
            "boss.toml, [supervisor] restart",
            ['-        restart="transient",', '+        restart="permanent",'],
        ),
    ],
)
def test_a_setting(toml: str, origin: str, lines: list[str]) -> None:
    assert origins(findings(files(TWO), TWO, toml)) == {origin: lines}


def test_a_setting_of_one_service() -> None:
    found = origins(findings(files(TWO), TWO, "[service.echo]\nidle_timeout = 60\n"))
    assert set(found) == {
        "boss.toml, [service.NAME]",  # the import of `replace`
        "boss.toml, [service.echo]",
        "boss.toml, [service.echo] idle_timeout",
    }
    assert found["boss.toml, [service.echo] idle_timeout"] == [
        "+                idle_timeout=60,"
    ]
    again = origins(
        findings(
            files(TWO, "[service.echo]\nidle_timeout = 60\n"),
            TWO,
            "[service.echo]\nidle_timeout = 61\n",
        )
    )
    assert list(again) == ["boss.toml, [service.echo] idle_timeout"]
