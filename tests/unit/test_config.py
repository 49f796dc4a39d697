"""config.py: what boss.toml may say, and where exactly it is wrong."""

import pytest

from bossgen import config
from bossgen.build import SETTINGS
from bossgen.diagnostics import Diagnostic
from bossgen.model import Source
from tests.compiling import TEMPLATE, boss_toml


def problems(text: str) -> tuple[Diagnostic, ...]:
    return boss_toml(text)[1]


def marked(text: str, problem: Diagnostic) -> str:
    """The part of the text that the caret is under."""
    lines = text.split("\n")
    span = problem.span
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    first = lines[span.line - 1][span.column - 1 :]
    return "\n".join([first, *lines[span.line : span.end_line - 1]])


def test_all_defaults_come_from_the_settings_of_the_runtime() -> None:
    project, found = boss_toml('app = "myapp"')
    assert found == ()
    assert project is not None
    assert project.base_url == ""
    assert dict(project.server)["port"] == 8001
    assert dict(project.session)["cookie"] == "_boss_session"
    assert dict(project.websocket)["slow_consumer"] == "close"
    assert dict(project.websocket)["allowed_origins"] == ()
    assert dict(project.supervisor)["period"] == 10


def test_keys_stand_in_the_order_of_their_declaration() -> None:
    project, _ = boss_toml('app = "myapp"\n[session]\nsecure = true\ncookie = "c"\n')
    assert project is not None
    assert [key for key, _ in project.session] == ["cookie", "max_age", "secure"]
    assert dict(project.session)["secure"] is True


def test_a_service_overrides_only_what_it_names() -> None:
    project, _ = boss_toml(
        'app = "myapp"\n[service.chat]\nsubprotocols = ["v2", "v1"]\nidle_timeout = 1.5\n'
    )
    assert project is not None
    [section] = project.services
    assert section.name == "chat"
    assert section.settings == (("idle_timeout", 1.5), ("subprotocols", ("v2", "v1")))


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("", ""),
        ("/", ""),
        ("chat", "/chat"),
        ("/chat/", "/chat"),
        ("/chat", "/chat"),
        ("a/b/", "/a/b"),
        ("/~me/v1.2_x-y", "/~me/v1.2_x-y"),
        ("...", "/..."),
    ],
)
def test_a_base_url_is_normalised(written: str, normal: str) -> None:
    project, found = boss_toml(f'app = "myapp"\nbase_url = "{written}"\n')
    assert found == ()
    assert project is not None
    assert project.base_url == normal


@pytest.mark.parametrize(
    "written",
    [
        "//",
        "//a",
        "a//b",
        "a//",
        ".",
        "..",
        "/a/./b",
        "/a/../b",
        "a b",
        "é",
        "a?b",
        "%",
    ],
)
def test_a_base_url_that_no_route_can_have(written: str) -> None:
    text = f'app = "myapp"\nbase_url = "{written}"\n'
    [problem] = problems(text)
    assert problem.code == "BG103"
    assert marked(text, problem) == f'"{written}"'


@pytest.mark.parametrize(
    ("text", "code", "mark", "word"),
    [
        ("app = myapp\n", "BG101", "myapp", "quotes"),
        ('app = "x\n', "BG101", '"x', "closing quote"),
        ('app "x"\n', "BG101", '"x"', "`=`"),
        ("[server\nport = 1", "BG101", "", "`]`"),
        ('app = "x"\napp = "y"\n', "BG101", "app", "twice"),
        ('app = "x"\n[server]\n[server]\n', "BG101", "[server]", "twice"),
        ('app = "x" y\n', "BG101", "y", "goes on"),
        ("server = 1\n[server]\n", "BG101", "[server]", "twice"),
        ("[[server]\nport = 1\n", "BG101", "]", "single brackets"),
        ("[server.]\n", "BG101", "]", "section is missing"),
        ("app = 'x", "BG101", "", "closing quote"),
        ("app = '''x\n", "BG101", "", "closing quotes"),
        ('app = "\\q"\n', "BG101", r"\q", "single quotes"),
        ('app = "\\uZZ"\n', "BG101", r"\uZZ", "no character"),
        ('app = "\\ud800"\n', "BG101", r"\ud800", "no character"),
        ("x = {a = 1, a = 2}\n", "BG101", "a", "twice"),
        ('app = "x\ty\a"\n', "BG101", '\a"', "escape"),
        ("x = " + "[" * 5000, "BG101", "x", "nested"),
        ("x = " + "1" * 5000, "BG101", "x", "more digits than TOML allows"),
        ("", "BG103", "", "`app` is missing"),
        ("app = 3\n", "BG103", "3", "a string"),
        ('app = "My App"\n', "BG103", '"My App"', "lower-case"),
        (f'app = "{"a" * 41}"\n', "BG103", f'"{"a" * 41}"', "41 characters"),
        ('app = "class"\n', "BG103", '"class"', "keyword"),
        ('app = "starlette"\n', "BG103", '"starlette"', "taken"),
        ('app = "x"\nbasurl = "/"\n', "BG102", "basurl", "`base_url`"),
        ('app = "x"\nzzz = 1\n', "BG102", "zzz", "`base_url`"),
        ('app = "x"\n[severs]\n', "BG102", "severs", "`[server]`"),
        ('app = "x"\n[zzz]\n', "BG102", "zzz", "[service.NAME]"),
        ('app = "x"\nport = 1\n', "BG102", "port", "below [server]"),
        ('app = "x"\n[server]\nprot = 1\n', "BG102", "prot", "`port`"),
        ('app = "x"\n[server]\nzzz = 1\n', "BG102", "zzz", "application, host"),
        ('app = "x"\n[server]\ncookie = 1\n', "BG102", "cookie", "below [session]"),
        (
            'app = "x"\n[server]\nbase_url = ""\n',
            "BG102",
            "base_url",
            "above the first",
        ),
        ('app = "x"\n[server]\nPORT = 1\n', "BG102", "PORT", "mean `port`?"),
        ('app = "x"\nBASE_URL = "/"\n', "BG102", "BASE_URL", "mean `base_url`?"),
        ('app = "x"\n"a\\nb" = 1\n', "BG102", '"a\\nb"', "`a\\nb`"),
        ('app = "x"\nbase_url = "a\\u001b"\n', "BG103", '"a\\u001b"', '"a\\x1b"'),
        ('app = "x"\nserver = 3\n', "BG103", "3", "[server]"),
        ('app = "x"\n[[server]]\n', "BG103", "server", "single brackets"),
        ('app = "x"\nbase_url = 7\n', "BG103", "7", "a string"),
        ('app = "x"\n[server]\nport = "80"\n', "BG103", '"80"', "port = 80"),
        ('app = "x"\n[server]\nport = true\n', "BG103", "true", "a whole number"),
        ('app = "x"\n[server]\nport = 70000\n', "BG103", "70000", "65535"),
        ('app = "x"\n[server]\nport = -1\n', "BG103", "-1", "0 to 65535"),
        ('app = "x"\n[server]\nhost = ""\n', "BG103", '""', "127.0.0.1"),
        ('app = "x"\n[server]\nhost = "http://a"\n', "BG103", '"http://a"', "127.0"),
        ('app = "x"\n[server]\nhost = "[::1]"\n', "BG103", '"[::1]"', "127.0"),
        ('app = "x"\n[session]\nsecret = "s"\n', "BG102", "secret", "BOSS_SECRET"),
        ('app = "x"\n[server]\nmetrics = "true"\n', "BG103", '"true"', "= true"),
        ('app = "x"\n[server]\nmetrics = 1\n', "BG103", "1", "true or false"),
        ('app = "x"\n[server]\napplication = "app"\n', "BG103", '"app"', "app:app"),
        ('app = "x"\n[session]\ncookie = "a b"\n', "BG103", '"a b"', "cookie"),
        ('app = "x"\n[session]\nmax_age = 0\n', "BG103", "0", "more than 0"),
        ('app = "x"\n[session]\nmax_age = 1.0\n', "BG103", "1.0", "max_age = 1"),
        ('app = "x"\n[supervisor]\nperiod = inf\n', "BG103", "inf", "finite"),
        ('app = "x"\n[supervisor]\nperiod = nan\n', "BG103", "nan", "finite"),
        ('app = "x"\n[supervisor]\nmax_restarts = -1\n', "BG103", "-1", "negative"),
        (
            f'app = "x"\n[session]\nmax_age = 1{"0" * 400}\n',
            "BG103",
            f"1{'0' * 400}",
            "at most 9223372036854775807",
        ),
        (
            'app = "x"\n[supervisor]\non_restart = "CLOSE"\n',
            "BG103",
            '"CLOSE"',
            'mean "close"?',
        ),
        ('app = "x"\n[supervisor]\nrestart = "temp"\n', "BG103", '"temp"', "temporary"),
        ('app = "x"\n[supervisor]\nrestart = []\n', "BG103", "[]", "a list"),
        ('app = "x"\n[websocket]\nsubprotocols = "v1"\n', "BG103", '"v1"', '["v1"]'),
        ('app = "x"\n[websocket]\nsubprotocols = [{}]\n', "BG103", "{}", "strings"),
        (
            'app = "x"\n[websocket]\nsubprotocols = [\n "v1", # one\n "v 2",\n]\n',
            "BG103",
            '"v 2"',
            "subprotocol",
        ),
        (
            'app = "x"\nwebsocket = { allowed_origins = ["a.example"] }\n',
            "BG103",
            '"a.example"',
            "https://example.com",
        ),
        ('app = "x"\nwebsocket.idle_timeout = 1970-01-01\n', "BG103", "1970-01-01", ""),
        ('app = "x"\n[ "web\\u0073ocket" ]\nmax = 1\n', "BG102", "max", "[websocket]"),
        ('app = "x"\n[service.chat]\nport = 1\n', "BG102", "port", "below [server]"),
        ('app = "x"\n[service]\nchat = 1\n', "BG103", "1", "[service.chat]"),
        (
            'app = "x"\n[service]\nidle_timeout = 1\n',
            "BG102",
            "idle_timeout",
            "names no",
        ),
        ('app = "x"\nservice = 1\n', "BG103", "1", "[service.NAME]"),
    ],
)
def test_one_mistake(text: str, code: str, mark: str, word: str) -> None:
    [problem] = problems(text)
    assert problem.code == code
    assert marked(text, problem) == mark
    assert word in f"{problem.message}\n{problem.help}"


def test_all_mistakes_are_told_at_once_and_the_rest_is_still_read() -> None:
    project, found = boss_toml(
        'app = "x"\n[server]\nport = "a"\nhots = 1\n[websocket]\nidle_timeout = -1\nmailbox_limit = 5\n'
    )
    assert sorted(problem.code for problem in found) == ["BG102", "BG103", "BG103"]
    assert project is not None
    assert dict(project.websocket)["mailbox_limit"] == 5
    assert dict(project.websocket)["idle_timeout"] == 0


def test_a_file_that_is_no_text() -> None:
    source = Source("boss.toml", 'app = "x"\n# \ufffd', "byte 0xe9 is not UTF-8")
    project, [problem] = config.load(source, TEMPLATE.copied[SETTINGS])
    assert project is None
    assert (problem.code, problem.span.line, problem.span.column) == ("BG101", 2, 3)


def test_an_unknown_service_is_compared_with_those_there_are() -> None:
    text = 'app = "x"\n[service.chta]\nidle_timeout = 1\n'
    project, _ = boss_toml(text)
    assert project is not None
    [problem] = config.unknown_services(project, ["chat", None])
    assert (problem.code, problem.help) == ("BG104", "did you mean `chat`?")
    assert marked(text, problem) == "chta"
    [problem] = config.unknown_services(project, [])
    assert "src/websocket/x_chta_websocket.py" in problem.help
    assert config.unknown_services(project, ["chta"]) == ()
    project, _ = boss_toml('app = "x"\n[service."a\\nb"]\n')
    assert project is not None
    [problem] = config.unknown_services(project, [])
    assert problem.message == r"there is no service `a\nb`"
    assert problem.help.startswith("the name of a service must be lower-case")


@pytest.mark.parametrize("name", ["chat", "a", "a_1", "a" * 40, "match", "app"])
def test_names_a_service_may_have(name: str) -> None:
    assert config.name_problem(name, "service") == ""


@pytest.mark.parametrize("name", ["", "Chat", "1a", "_a", "a-b", "a" * 41, "if", "ä"])
def test_names_a_service_may_not_have(name: str) -> None:
    assert config.name_problem(name, "service")


@pytest.mark.parametrize(
    ("origin", "right"),
    [
        ("https://a.example", True),
        ("http://localhost:3000", True),
        ("http://[::1]:65535", True),
        ("app://x", True),
        ("*", True),
        ("https://a.example/", False),
        ("https://a.example:65536", False),
        ("https://a.example:", False),
        ("https://a:b:1", False),
        ("https://*.example", False),
        ("https://", False),
        ("null", False),
    ],
)
def test_origins(origin: str, right: bool) -> None:
    text = f'app = "x"\n[websocket]\nallowed_origins = ["{origin}"]\n'
    assert [problem.code for problem in problems(text)] == ([] if right else ["BG103"])
