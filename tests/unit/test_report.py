"""report.py: what is told of a build."""

import json
from pathlib import PurePosixPath

import pytest

from bossgen import report as told
from bossgen.build import Report
from bossgen.render import SERVICES
from bossgen.write import Change, Kind
from tests.compiling import boss_toml, compiled, handler

OUTCOME = compiled(
    {"chat": handler("Chat", "init", "handle_join"), "quiet": handler("Quiet")},
    '[service.chat]\nidle_timeout = 60\nsubprotocols = ["a", "b"]\nslow_consumer = "close"\n',
)


def changes(kind: Kind, *names: str) -> tuple[Change, ...]:
    return tuple(
        Change(PurePosixPath("boss", name), kind, "a\n", "b\n") for name in names
    )


@pytest.mark.parametrize(
    ("done", "line"),
    [
        ((), "2 services: boss/ is up to date"),
        (changes("update", "router.py"), "2 services: wrote boss/router.py"),
        (
            changes("create", "a.py") + changes("delete", "b.py", "c.py"),
            "2 services: wrote boss/a.py, removed boss/b.py, boss/c.py",
        ),
        (changes("create", *"abcde"), "2 services: wrote 5 files in boss/"),
    ],
)
def test_the_summary_of_a_build(done: tuple[Change, ...], line: str) -> None:
    assert told.summary(Report((), {}, OUTCOME, done)) == line


def test_the_summary_of_a_build_that_failed() -> None:
    _, problems = boss_toml("app = 1\nx = 1\n")
    line = told.summary(Report(problems, {}))
    assert line == "2 errors; boss/ is left as it was"


def test_a_difference_is_a_patch() -> None:
    new, gone = changes("create", "new.py")[0], changes("delete", "gone.py")[0]
    text = told.difference(
        [
            *changes("update", "a.py"),
            Change(new.path, "create", "", "b"),
            Change(gone.path, "delete", "a\n", ""),
        ],
        color=False,
    )
    assert text == (
        "--- a/boss/a.py\n+++ b/boss/a.py\n@@ -1 +1 @@\n-a\n+b\n"
        "--- /dev/null\n+++ b/boss/new.py\n@@ -0,0 +1 @@\n+b\n\\ No newline at end of file\n"
        "--- a/boss/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    )


def test_a_difference_in_colour() -> None:
    text = told.difference(changes("update", "a.py"), color=True)
    assert "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n" in text


def test_reasons_show_what_differs_and_where_it_comes_from() -> None:
    old = OUTCOME.files[SERVICES]
    more = compiled({"chat": handler("Chat"), "more": handler("More")})
    change = Change(SERVICES, "update", old, more.files[SERVICES])
    assert told.reasons(Report((), {}, more, (change,))) == (
        "boss/services.py is out of date\n"
        "  src/websocket/myapp_quiet_websocket.py\n"
        '    -quiet = ServiceAddress("quiet")\n'
        "  src/websocket/myapp_more_websocket.py\n"
        '    +more = ServiceAddress("more")\n'
    )


def test_a_long_difference_is_cut() -> None:
    path = SERVICES
    old = OUTCOME.files[path] + "".join(f"x{n} = 1\n" for n in range(20))
    text = told.reasons(
        Report((), {}, OUTCOME, (Change(path, "update", old, OUTCOME.files[path]),))
    )
    assert text.endswith("    -x11 = 1\n    ... and 8 more lines; --diff shows all\n")


def test_there_are_no_reasons_without_a_plan() -> None:
    assert told.reasons(Report((), {})) == ""


def test_routes_for_people() -> None:
    assert told.routes(OUTCOME.plan) == (
        "name   url               file                                    callbacks         limits\n"
        "chat   /websocket/chat   src/websocket/myapp_chat_websocket.py   init handle_join"
        '  idle_timeout=60 slow_consumer="close" subprotocols=["a","b"]\n'
        "quiet  /websocket/quiet  src/websocket/myapp_quiet_websocket.py  none              as in [websocket]\n"
    )


def test_routes_for_programs() -> None:
    chat, quiet = json.loads(told.routes_json(OUTCOME.plan))
    assert list(chat) == ["name", "url", "file", "callbacks", "limits"]
    assert chat["callbacks"] == ["init", "handle_join"]
    assert chat["limits"]["idle_timeout"] == 60
    assert chat["limits"]["subprotocols"] == ["a", "b"]
    assert quiet["limits"]["idle_timeout"] == 0
    assert quiet["limits"]["max_message_size"] == 1048576
