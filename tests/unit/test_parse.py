"""Files as handlers: what is read off them, and what is said of those that are none."""

import ast
import warnings

import pytest

from bossgen.diagnostics import Diagnostic
from bossgen.model import Handler, Source
from bossgen.parse import parse
from bossgen.rules.rule import name_span, span
from tests.checking import BEHAVIOUR, PATH, check_text, checked

GOOD = "from boss import ServiceHandler\nclass Chat(ServiceHandler[int]): ...\n"


def parsed(text: str, path: str = PATH) -> Handler:
    handlers, problems = parse([Source(path, text)], "myapp", BEHAVIOUR)
    assert problems == ()
    (handler,) = handlers
    return handler


def only(text: str, path: str = PATH) -> Diagnostic:
    (problem,) = checked({path: text})
    return problem


def place(problem: Diagnostic) -> tuple[int, int, int, int]:
    at = problem.span
    return at.line, at.column, at.end_line, at.end_column


# --- handlers ---


def test_what_is_read_off_a_handler() -> None:
    handler = parsed(
        '"""The module."""\n'
        "from boss import ServiceHandler\n"
        "class ChatWebsocket(ServiceHandler[int]):\n"
        '    """Everyone hears everyone.\n\n    And more.\n    """\n'
        "    def handle_info(self, info, state): return self.x\n"
        "    def helper(self): ...\n"
        "    async def init(self): return self.x\n"
    )
    assert handler.service == "chat"
    assert handler.path == PATH
    assert handler.module == "src.websocket.myapp_chat_websocket"
    assert handler.class_name == "ChatWebsocket"
    assert handler.callbacks == ("init", "handle_info")
    assert handler.summary == "Everyone hears everyone."


def test_callbacks_that_the_class_may_bind_by_names_made_at_run_time_are_among_them() -> (
    None
):
    top = "from boss import ServiceHandler\nclass Chat(ServiceHandler[int]):\n"
    inside = "    for name in names:\n        locals()[name] = made(name)\n"
    behind = "    pass\nfor name in names: setattr(Chat, name, made(name))\n"
    one = '    locals()["handle_join"] = made("handle_join")\n'
    assert parsed(top + inside).callbacks == BEHAVIOUR.names
    assert parsed(top + behind).callbacks == BEHAVIOUR.names
    assert parsed(top + one).callbacks == ("handle_join",)


def test_summary_falls_back_to_the_module() -> None:
    assert parsed(f'"""  The module.\n\nMore."""\n{GOOD}').summary == "The module."
    assert parsed(GOOD).summary == ""


def test_service_names_may_have_underscores() -> None:
    path = "src/websocket/myapp_foo_bar_websocket.py"
    assert parsed(GOOD, path).service == "foo_bar"


def test_callbacks_of_mixins_of_the_file_count() -> None:
    handler = parsed(
        "from boss import ServiceHandler\n"
        "from src.lib import Seen\n"
        "class Mixin:\n    def terminate(self, reason, state): ...\n"
        "class Chat(Mixin, Seen, ServiceHandler[int]):\n"
        "    def handle_info(self, info, state): return self.x\n"
    )
    assert handler.callbacks == ("handle_info", "terminate")


def test_order_of_the_sources_does_not_matter() -> None:
    sources = [
        Source(f"src/websocket/myapp_{name}_websocket.py", GOOD + extra)
        for name, extra in (("a", ""), ("b", "class Other(ServiceHandler): ..."))
    ]
    forward = parse(sources, "myapp", BEHAVIOUR)
    back = parse(sources[::-1], "myapp", BEHAVIOUR)
    assert [h.service for h in forward[0]] == [h.service for h in back[0]]
    assert forward[1] == back[1]


def test_a_wrong_name_does_not_hide_what_else_is_wrong() -> None:
    text = GOOD + "    def init(): ...\n"
    codes = [d.code for d in checked({"src/websocket/chat_websocket.py": text})]
    assert codes == ["BG201", "BG301"]
    text = GOOD.replace("...", "\n    def init(): ...\n")
    codes = [d.code for d in checked({"src/websocket/chat_websocket.py": text})]
    assert codes == ["BG201", "BG305", "BG307"]


# --- names of files ---


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("chat_websocket.py", "myapp_chat_websocket.py"),
        ("myap_chat_websocket.py", "myapp_chat_websocket.py"),
        ("MyApp_chat_websocket.py", "myapp_chat_websocket.py"),
        ("my_app_chat_websocket.py", "myapp_chat_websocket.py"),
        ("myapp-chat_websocket.py", "myapp_chat_websocket.py"),
        ("myappchat_websocket.py", "myapp_chat_websocket.py"),
        ("news_room_websocket.py", "myapp_news_room_websocket.py"),
        ("_websocket.py", "myapp_NAME_websocket.py"),
        ("myapp_websocket.py", "myapp_NAME_websocket.py"),
    ],
)
def test_file_name(name: str, right: str) -> None:
    problem = only(GOOD, f"src/websocket/{name}")
    assert problem.code == "BG201"
    assert f"`{right}`" in problem.help


@pytest.mark.parametrize(
    ("name", "class_name", "right"),
    [
        ("oldapp_chat", "ChatWebsocket", "chat"),
        ("oldapp_news_room", "NewsRoomWebSocket", "news_room"),
        ("old_app_chat", "ChatWebsocket", "chat"),
        ("news_room", "NewsRoomWebsocket", "news_room"),
        ("news_room", "NewsWebsocket", "news_room"),
        ("news_room", "Room", "news_room"),
        ("news_room", "RoomWebsocket(Base): ...\nclass NewsWebsocket", "news_room"),
    ],
)
def test_file_name_after_the_application_was_renamed(
    name: str, class_name: str, right: str
) -> None:
    text = GOOD.replace("Chat", class_name)
    found = checked({f"src/websocket/{name}_websocket.py": text}, app="newapp")
    problem = next(one for one in found if one.code == "BG201")
    assert problem.help == f"rename it to `newapp_{right}_websocket.py`"


@pytest.mark.parametrize(
    ("service", "right"),
    [
        ("Chat", "chat"),
        ("FooBar", "foo_bar"),
        ("class", "class_room"),
        ("1st", "st"),
        ("a-b", "a_b"),
        ("a b", "a_b"),
        ("chät", "chat"),
        ("_x", "x"),
        ("x" * 41, "x" * 40),
        ("", "NAME"),
        ("42", "NAME"),
    ],
)
def test_service_name(service: str, right: str) -> None:
    problem = only(GOOD, f"src/websocket/myapp_{service}_websocket.py")
    assert problem.code == "BG202"
    assert f"`myapp_{right}_websocket.py`" in problem.help


@pytest.mark.parametrize("service", ["x" * 40, "match", "a", "a1_2", "x_", "print"])
def test_right_service_names(service: str) -> None:
    assert checked({f"src/websocket/myapp_{service}_websocket.py": GOOD}) == ()


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("helpers.py", "", "src/lib/helpers.py"),
        ("myapp_chat.py", GOOD, "myapp_chat_websocket.py"),
        ("chat_handler.py", GOOD, "myapp_chat_websocket.py"),
        ("websocket.py", GOOD, "myapp_NAME_websocket.py"),
        (
            "rooms/myapp_chat_websocket.py",
            GOOD,
            "src/websocket/myapp_chat_websocket.py",
        ),
        ("rooms/helpers.py", "", "src/lib/rooms/helpers.py"),
        ("rooms/__init__.py", "", "src/lib/rooms/__init__.py"),
    ],
)
def test_stray_file(name: str, text: str, right: str) -> None:
    problem = only(text, f"src/websocket/{name}")
    assert problem.code == "BG204"
    assert f"`{right}`" in problem.help


@pytest.mark.parametrize("name", ["myapp_chat_websocket.py", "chat.py", "__init__.py"])
def test_what_is_no_file(name: str) -> None:
    source = Source(f"src/websocket/{name}", "", instead="a named pipe")
    handlers, (problem,) = parse([source], "myapp", BEHAVIOUR)
    assert handlers == ()
    assert problem.code == "BG204"
    assert problem.message == f"`{name}` is a named pipe, not a file"


def test_init_may_lie_there() -> None:
    assert checked({"src/websocket/__init__.py": "x = ("}) == ()


# --- files that cannot be read ---


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("x = (1,\ny = 2\n", (1, 5, 1, 5), "`(` was never closed"),
        ("def f()\n    pass\n", (1, 8, 1, 8), "Python expected `:`"),
        ("x = “a”\n", (1, 5, 1, 5), "the character `“` (U+201C) cannot stand here"),
        ("é = (1 2)\n", (1, 6, 1, 9), "Python cannot read on at `1 2`"),
        ("def f():\n    await x\n", (2, 5, 2, 12), "`await` stands in a `def`"),
        (
            "def f():\n    return [y async for y in x]\n",
            (2, 12, 2, 32),
            "asynchronous comprehension stands in a `def`",
        ),
        ("return 5\n", (1, 1, 1, 9), "`return` outside function"),
        ("break\n", (1, 1, 1, 6), "`break` outside loop"),
        ("def f():\n    return *x\n", (2, 12, 2, 14), "Python cannot use starred"),
        ("x: int = *y\n", (1, 10, 1, 12), "Python cannot use starred"),
        ("x += *y\n", (1, 6, 1, 8), "Python cannot use starred"),
        ("for x in *y: ...\n", (1, 10, 1, 12), "Python cannot use starred"),
        ("match x:\n case(a, a): ...\n", (2, 10, 2, 11), "multiple assignments"),
        ("é = '日本'; break\n", (1, 11, 1, 16), "`break` outside loop"),
        ("def é(é, é): ...\n", (1, 10, 1, 11), "duplicate argument `é`"),
        ("def f():\n  '日'; nonlocal é\n", (2, 8, 2, 18), "no binding for nonlocal"),
        ("def f():\n    from x import *\n", (2, 19, 2, 20), "import * only"),
        ("y = 1\né = '\0'\n", (2, 6, 2, 7), "this file contains null bytes"),
        ("x = " + "9" * 5000, (1, 1, 1, 1), "a number in this file"),
        ("if x:\n    y\n  z\n", (3, 4, 3, 4), "unindent does not match"),
    ],
)
def test_syntax(text: str, at: tuple[int, int, int, int], message: str) -> None:
    (problem, *others) = sorted(check_text(text), key=lambda one: one.code)
    assert problem.code == "BG301"
    assert problem.message.startswith(message)
    assert {one.code for one in others} <= {"BG302"}  # there is no handler either
    assert place(problem) == at
    assert "invalid" not in problem.message


@pytest.mark.parametrize(
    ("text", "message", "help_"),
    [
        ("def f():\n    await x\n", "`await` stands in a `def`", "write `async def`"),
        (
            "async def f():\n    return lambda: await x\n",
            "`await` stands in a `lambda`",
            "write an `async def` in place of the `lambda`",
        ),
        (
            "async with x: ...\n",
            "`async with` stands outside of a function",
            "move it into an `async def`",
        ),
    ],
)
def test_what_to_do_where_no_async_is(text: str, message: str, help_: str) -> None:
    problem = only(f"{GOOD}{text}")
    assert (problem.code, problem.message, problem.help) == ("BG301", message, help_)


def test_a_place_in_an_f_string() -> None:
    assert place(only("é = 5; f'{é} {a b}'\n")) == (1, 15, 1, 18)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 150 + ")" * 150,
        "x = " + "-" * 20_000 + "1",
        "x = " + "+".join(["1"] * 20_000),
        "x" + ".a" * 20_000,
        "if x: pass\n" + "elif x: pass\n" * 5_000,
    ],
)
def test_files_that_are_nested_too_deeply(text: str) -> None:
    (problem, *_) = check_text(text)
    assert problem.code in {"BG301", "BG302"}


def chain(length: int) -> str:
    classes = [f"class C{n}(C{n - 1}): ..." for n in range(1, length)]
    return "\n".join([GOOD, "class C0(Chat): ...", *classes, ""])


def test_classes_that_extend_each_other_very_often() -> None:
    assert check_text(chain(100)) == ()
    assert only(chain(3000)).message.endswith("nested too deeply to be read")


def test_classes_that_meet_again_very_often() -> None:
    pairs = [
        f"class A{n}(C{n - 1}): ...\nclass B{n}(C{n - 1}): ...\nclass C{n}(A{n}, B{n}): ..."
        for n in range(1, 40)
    ]
    assert check_text("\n".join([chain(1), *pairs, ""])) == ()
    strangers = [GOOD, "class C0: ...", *pairs, ""]
    assert check_text("\n".join(strangers)) == ()


def test_rules_take_what_is_nested_too_deeply_as_right() -> None:
    deep = "+".join(["x"] * 900)
    text = GOOD.replace(
        "...", f"\n    def handle_info(self, info, state):\n        return {deep}\n"
    )
    assert check_text(text) == ()


def test_text_that_could_not_be_decoded() -> None:
    source = Source(PATH, "# a\nx = '\ufffd'\n", "byte 0xe9 is not UTF-8")
    _, (problem,) = parse([source], "myapp", BEHAVIOUR)
    assert problem.code == "BG301"
    assert "byte 0xe9 is not UTF-8" in problem.message
    assert place(problem) == (2, 6, 2, 7)


def test_the_class_that_is_proposed_has_a_name_of_python() -> None:
    for service, name in (("a_b", "AB"), (" ", "Chat"), ("1", "Chat")):
        found = checked({f"src/websocket/myapp_{service}_websocket.py": ""})
        assert f"`class {name}Websocket(" in found[-1].help


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", '"""Words."""', "\f"])
def test_empty_files(text: str) -> None:
    assert only(text).code == "BG302"


def test_warnings_of_python_are_not_shown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_text(GOOD + "x = '\\d'\ny = 5 is 5\n") == ()


# --- places ---


def test_columns_are_characters() -> None:
    handler = parsed(
        "from boss import ServiceHandler\n"
        "é = '日本'; x = 5\n"
        "class Chät(ServiceHandler[int]):\n"
        "    'é'; y = 'é'\n"
    )
    module = handler.parsed
    at = span(module, module.tree.body[2])
    assert (at.line, at.column, at.end_column) == (2, 11, 16)
    name = name_span(module, handler.definition.node)
    assert (name.line, name.column, name.end_column) == (3, 7, 11)


@pytest.mark.parametrize("keyword", ["def", "async"])
def test_a_name_in_a_line_of_its_own_is_shown_by_the_keyword(keyword: str) -> None:
    start = "def" if keyword == "def" else "async def"
    handler = parsed(
        "from boss import ServiceHandler\n"
        "class Chat(ServiceHandler[int]):\n"
        f"    {start} \\\n    handle_info(self): ...\n"
    )
    (node,) = handler.definition.node.body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    name = name_span(handler.parsed, node)
    assert (name.line, name.column, name.end_column) == (3, 5, 5 + len(keyword))


@pytest.mark.parametrize(
    ("character", "help_"),
    [
        ("\u201c", 'write a plain `"`'),
        ("\u2013", "write a plain `-`"),
        ("\u00a0", "write a plain space"),
        ("\u3000", "write a plain space"),
        ("\u200b", "remove it"),
        ("€", "remove it"),
    ],
)
def test_a_character_that_is_not_python_has_one_to_write_instead(
    character: str, help_: str
) -> None:
    (problem,) = checked({PATH: f"x = 1{character}2\n"})
    assert (problem.code, problem.help) == ("BG301", help_)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_like(newline: str) -> None:
    text = GOOD.replace("...", "\n    x = '\f'\n    handle_info = None\n")
    assert place(only(text.replace("\n", newline))) == (4, 19, 4, 23)


@pytest.mark.parametrize("start", ["\ufeff", "# -*- coding: latin-1 -*-\n", "\f"])
def test_beginnings_of_files(start: str) -> None:
    problem = only(start + GOOD.replace("...", "\n    handle_info = None"))
    assert problem.code == "BG306"


def test_names_behind_odd_spaces() -> None:
    text = GOOD.replace("...", "\n    async   def\thandle_info(self): return self.x\n")
    assert place(only(text)) == (3, 17, 3, 28)
    text = GOOD.replace("...", "\n    def \\\n  handle_info(self): return self.x\n")
    assert place(only(text))[:2] == (3, 5)


def test_names_that_python_writes_otherwise() -> None:
    text = GOOD.replace("...", "\n    def handle_in\ufb01o(self): return self.x\n")
    problem = only(text)
    assert "handle_infio" in problem.message
    assert place(problem) == (3, 9, 3, 20)
