"""The forms in which diagnostics are shown."""

import json
import os

from bossgen.diagnostics import (
    Diagnostic,
    Span,
    has_errors,
    render_concise,
    render_full,
    render_github,
    render_json,
    render_sarif,
    sort_key,
)

PATH = "src/websocket/myapp_chat_websocket.py"
LINE = "    async def handle_join(self, service_url, websocket):"
TEXT = "\n" * 13 + LINE + "\n"

ERROR = Diagnostic(
    "BG305",
    "callback-parameters",
    "error",
    "`handle_join` lacks the parameter `state`",
    Span(PATH, 14, 15, 14, 26),
    "write `async def handle_join(self, service_url, websocket, state)`",
)
WARNING = Diagnostic(
    "BG501",
    "blocking-call",
    "warning",
    "100% of all services: stop, while\nthis waits",
    Span(PATH, 2, 1, 3, 4),
)


def full(line: str, start: int, end: int, end_line: int = 1) -> list[str]:
    """The line of source and the carets of a problem in it."""
    problem = Diagnostic(
        "BG1", "x", "error", "m", Span("a.py", 1, start, end_line, end)
    )
    return render_full([problem], {"a.py": line}).split("\n")[3:5]


def test_full_is_as_promised() -> None:
    assert render_full([ERROR], {PATH: TEXT}) == (
        "error[BG305]: `handle_join` lacks the parameter `state`\n"
        "  --> src/websocket/myapp_chat_websocket.py:14:15\n"
        "   |\n"
        "14 |     async def handle_join(self, service_url, websocket):\n"
        "   |               ^^^^^^^^^^^\n"
        "   = help: write `async def handle_join(self, service_url, websocket, state)`\n"
    )


def test_full_separates_problems_by_a_blank_line() -> None:
    shown = render_full([ERROR, ERROR], {PATH: TEXT})
    assert shown == "\n".join([render_full([ERROR], {PATH: TEXT})] * 2)


def test_full_without_the_source_shows_the_place() -> None:
    shown = render_full([ERROR], {})
    assert "myapp_chat_websocket.py:14:15" in shown
    assert "^" not in shown


def test_full_shows_both_places_with_one_margin() -> None:
    problem = Diagnostic(
        "BG303",
        "handler-ambiguous",
        "error",
        "`A` and `B`",
        Span(PATH, 100, 7, 100, 8),
        "move one",
        ((Span(PATH, 9, 7, 9, 8), "the other one"),),
    )
    lines = [""] * 100
    lines[8], lines[99] = "class A:", "class B:"
    assert render_full([problem], {PATH: "\n".join(lines)}) == (
        "error[BG303]: `A` and `B`\n"
        f"   --> {PATH}:100:7\n"
        "    |\n"
        "100 | class B:\n"
        "    |       ^\n"
        f"   --> {PATH}:9:7\n"
        "    |\n"
        "  9 | class A:\n"
        "    |       ^ the other one\n"
        "    = help: move one\n"
    )


def test_full_has_every_line_of_the_help() -> None:
    problem = Diagnostic("BG1", "x", "error", "m", Span(PATH, 1, 1, 1, 2), "one\ntwo")
    assert render_full([problem], {PATH: "x"}).endswith(
        "  = help: one\n          two\n"
    )


def test_full_in_colour_says_the_same() -> None:
    import re

    coloured = render_full([ERROR, WARNING], {PATH: TEXT}, color=True)
    assert "\x1b[1;31merror[BG305]" in coloured
    assert "\x1b[1;33mwarning[BG501]" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_full(
        [ERROR, WARNING], {PATH: TEXT}
    )


def test_carets_stand_below_what_is_meant() -> None:
    assert full("\tx = 5", 2, 3) == ["1 |     x = 5", "  |     ^"]
    assert full("日本 = x", 6, 7) == ["1 | 日本 = x", "  |        ^"]
    assert full("日本 = x", 1, 3) == ["1 | 日本 = x", "  | ^^^^"]
    assert full("e\u0301 = x", 6, 7) == ["1 | e\u0301 = x", "  |     ^"]
    assert full("a\x00b\x1bc", 5, 6) == ["1 | a\ufffdb\ufffdc", "  |     ^"]


def test_no_form_for_a_terminal_carries_out_what_a_file_contains() -> None:
    span = Span("a\x1b[2J.py", 1, 1, 1, 2)
    problem = Diagnostic("BG1", "x", "error", "`\n\x9b`", span, "write `\u202e`")
    assert render_full([problem], {}) == (
        "error[BG1]: `\ufffd\ufffd`\n --> a\ufffd[2J.py:1:1\n  = help: write `\ufffd`\n"
    )
    assert render_concise([problem]) == (
        "a\ufffd[2J.py:1:1: error[BG1] `\ufffd\ufffd`\n"
    )


def test_carets_of_several_lines_go_to_the_end_of_the_first() -> None:
    assert full("x = f(\n  y)", 5, 4, end_line=2) == ["1 | x = f(", "  |     ^^"]


def test_a_caret_behind_the_end_of_a_line() -> None:
    assert full("x", 2, 2) == ["1 | x", "  |  ^"]
    assert full("x", 50, 60) == ["1 | x", "  |  ^"]
    assert full("", 1, 1) == ["1 |", "  | ^"]


def test_of_a_very_long_line_the_part_around_what_is_meant_is_shown() -> None:
    line = "a" * 500 + "problem" + "b" * 500
    assert full(line, 501, 508) == [
        f"1 | ...{'a' * 80}problem{'b' * 113}...",
        f"  | {' ' * 83}^^^^^^^",
    ]
    assert full(line, 1, 1008) == [f"1 | {'a' * 200}...", f"  | {'^' * 200}"]
    assert full(line, 1008, 1008) == [f"1 | ...{'b' * 80}", f"  | {' ' * 83}^"]
    assert full("a" * 200, 200, 201)[0] == f"1 | {'a' * 200}"


def test_lines_are_counted_as_python_does() -> None:
    problem = Diagnostic("BG1", "x", "error", "m", Span("a", 3, 1, 3, 2))
    for text in ("a\x0cb\n\nc", "a\r\n\r\nc", "a\r\rc", "\ufeffa\u2028\n\nc"):
        assert "3 | c\n" in render_full([problem], {"a": text})


def test_concise() -> None:
    assert render_concise([ERROR]) == (
        f"{PATH}:14:15: error[BG305] `handle_join` lacks the parameter `state`\n"
    )


def test_json() -> None:
    assert json.loads(render_json([])) == []
    assert json.loads(render_json([ERROR])) == [
        {
            "code": "BG305",
            "name": "callback-parameters",
            "severity": "error",
            "message": "`handle_join` lacks the parameter `state`",
            "path": PATH,
            "line": 14,
            "column": 15,
            "end_line": 14,
            "end_column": 26,
            "help": "write `async def handle_join(self, service_url, websocket, state)`",
        }
    ]


def test_json_and_sarif_pass_through_a_stream_of_any_encoding() -> None:
    said = "`handle_jöin` \N{GRINNING FACE} \udcff"
    odd = Diagnostic("BG304", "x", "error", said, Span(PATH, 1, 1, 1, 2))
    listed, log = render_json([odd]), render_sarif([odd])
    assert (listed + log).isascii()
    assert json.loads(listed)[0]["message"] == said
    assert json.loads(log)["runs"][0]["results"][0]["message"]["text"] == said


def test_github_escapes_what_would_end_a_command() -> None:
    assert render_github([WARNING]) == (
        f"::warning file={PATH},line=2,col=1,endLine=3,endColumn=4,"
        "title=BG501 blocking-call"
        "::100%25 of all services: stop, while%0Athis waits\n"
    )
    odd = Diagnostic("BG1", "a:b,c%d", "error", "m", Span("a,b:c.py", 1, 1, 1, 1), "h")
    assert render_github([odd]) == (
        "::error file=a%2Cb%3Ac.py,line=1,col=1,endLine=1,endColumn=1,"
        "title=BG1 a%3Ab%2Cc%25d::m%0Ah\n"
    )


def test_sarif() -> None:
    related = Diagnostic(
        "BG303",
        "handler-ambiguous",
        "error",
        "two",
        Span("src/ä b.py", 1, 1, 1, 2),
        related=((Span(PATH, 2, 1, 2, 2), "the other"),),
    )
    log = json.loads(render_sarif([ERROR, WARNING, related, ERROR], version="1.0"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("bossgen", "1.0")
    assert [rule["id"] for rule in driver["rules"]] == ["BG303", "BG305", "BG501"]
    assert [result["ruleId"] for result in run["results"]] == [
        "BG305",
        "BG501",
        "BG303",
        "BG305",
    ]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == PATH
    assert place["region"] == {
        "startLine": 14,
        "startColumn": 15,
        "endLine": 14,
        "endColumn": 26,
    }
    odd = run["results"][2]
    location = odd["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "src/%C3%A4%20b.py"
    assert odd["relatedLocations"][0]["message"]["text"] == "the other"


def test_sarif_of_a_file_whose_name_is_no_text() -> None:
    path = os.fsdecode(b"src/\xff.py")
    problem = Diagnostic("BG204", "stray-file", "error", "x", Span(path, 1, 1, 1, 1))
    [result] = json.loads(render_sarif([problem]))["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "src/%FF.py"


def test_sarif_of_nothing_is_a_run_without_results() -> None:
    (run,) = json.loads(render_sarif([]))["runs"]
    assert run["results"] == []
    assert "version" not in run["tool"]["driver"]


def test_order_is_by_path_line_and_code() -> None:
    def at(path: str, line: int, code: str, column: int) -> Diagnostic:
        return Diagnostic(code, "x", "error", "m", Span(path, line, column, line, 9))

    wanted = [
        at("a", 9, "BG500", 1),
        at("b", 2, "BG100", 5),
        at("b", 2, "BG200", 1),
        at("b", 2, "BG200", 3),
        at("b", 10, "BG100", 1),
    ]
    shuffled = [wanted[place] for place in (3, 0, 4, 2, 1)]
    assert sorted(shuffled, key=sort_key) == wanted


def test_only_errors_stop() -> None:
    assert has_errors([WARNING, ERROR])
    assert not has_errors([WARNING])
    assert not has_errors([])
