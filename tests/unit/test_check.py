"""All rules over a project, and over code that no one here wrote."""

import ast
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import pytest

from bossgen.diagnostics import render_full, render_github, render_json, render_sarif
from tests.checking import BEHAVIOUR, PATH, check_text, checked, whole

FILES = 300
AT_MOST = 25  # times the time that parsing takes, over all files
STDLIB = Path(sysconfig.get_paths()["stdlib"])


def service(name: str, body: str = "...") -> dict[str, str]:
    return {
        f"src/websocket/myapp_{name}_websocket.py": (
            "from boss import Noreply, ServiceHandler, services\n"
            f"class {name.title()}(ServiceHandler[int]):\n"
            f"    def handle_info(self, info, state): {body}\n"
        )
    }


def test_services_with_problems_are_no_unknown_services() -> None:
    files = {
        **service("chat", "services.news.info(1); return Noreply(state)"),
        **service("other", "services.nws.info(1); return Noreply(state)"),
        "src/websocket/myapp_news_websocket.py": "x = (\n",
    }
    assert [d.code for d in checked(files)] == ["BG301", "BG402"]
    problem = checked(files)[1]
    assert problem.help == "did you mean `news`?"


@pytest.mark.parametrize(
    ("body", "help_"),
    [
        (
            "services.nws",
            "the only service is `chat`; `bossgen add-service nws` makes this one",
        ),
        ("services.näws", "the only service is `chat`"),
        ("Noreply(state, timeot=5)", "did you mean `timeout`?"),
        ("Noreply(state, wait=5)", "write `Noreply(state)`"),
    ],
)
def test_what_to_write_can_be_written(body: str, help_: str) -> None:
    (problem,) = checked(service("chat", f"{body}; return Noreply(state)"))
    assert problem.help == help_


@pytest.mark.parametrize(
    ("call", "right"),
    [
        ("send(1, exclude=websocket)", 'send("1", exclude=websocket)'),
        ("send({}, websocket)", "send_json({}, websocket)"),
        (
            "send_json({1}, exclude=websocket)",
            "send_json(sorted({1}), exclude=websocket)",
        ),
    ],
)
def test_who_is_left_out_stays_so(call: str, right: str) -> None:
    method = f"def handle_join(self, u, websocket, state): state.members.{call}; return Noreply(state)"
    (problem,) = check_text(whole(method))
    assert problem.help == f"write `state.members.{right}`"


def test_problems_of_all_files_come_in_one_run_and_in_order() -> None:
    files = {
        **service("b", "return state"),
        **service("a", "return None"),
        "src/websocket/helpers.py": "",
        "src/websocket/c_websocket.py": "x = (\n",
    }
    found = checked(files)
    assert [(d.span.path.rpartition("/")[2], d.code) for d in found] == [
        ("c_websocket.py", "BG201"),
        ("c_websocket.py", "BG301"),
        ("helpers.py", "BG204"),
        ("myapp_a_websocket.py", "BG307"),
        ("myapp_b_websocket.py", "BG308"),
    ]
    assert checked(dict(reversed(files.items()))) == found


def handlers_of_others() -> Iterator[str]:
    """Handlers whose callbacks have bodies from the standard library."""
    dice = random.Random(8)
    files = sorted(STDLIB.rglob("*.py"))
    dice.shuffle(files)
    made = 0
    for file in files:
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue  # some test data of the standard library is no Python
        functions = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        if not functions:
            continue
        dice.shuffle(functions)
        imports = [
            node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        yield handler(imports, functions[:30])
        made += 1
        if made == FILES:
            return


def handler(
    imports: list[ast.Import | ast.ImportFrom],
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef],
) -> str:
    for function, callback in zip(functions, BEHAVIOUR.callbacks, strict=False):
        function.name = callback.name
        function.decorator_list = []
        parameters = [ast.arg(name) for name in ("self", *callback.parameters)]
        function.args = ast.arguments([], parameters, None, [], [], None, [])
    body = [
        *(node for node in imports if getattr(node, "module", "") != "__future__"),
        ast.ImportFrom("boss", [ast.alias("ServiceHandler")], 0),
        ast.ClassDef(
            "Chat", [ast.Name("ServiceHandler", ast.Load())], [], [*functions], []
        ),
    ]
    return ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))


def test_code_of_others_does_not_crash_it_nor_takes_long() -> None:
    parsing = checking = 0.0
    found = 0
    for text in handlers_of_others():
        start = process_time()
        try:
            ast.parse(text)
        except SyntaxError:
            pass
        parsing += process_time() - start
        start = process_time()
        problems = check_text(text)
        checking += process_time() - start
        found += len(problems)
        assert render_full(problems, {PATH: text}).count("-->") >= len(problems)
        for render in (render_json, render_github, render_sarif):
            assert bool(problems) <= bool(render(problems))
    assert found > FILES  # hardly any function of theirs returns a result
    assert checking < AT_MOST * parsing


@pytest.mark.parametrize(
    "line",
    [
        "services.x{0}.info(1)",
        "time.sleep({0})  # bossgen: ignore[BG501]",
        "state['{0}'].add(websocket)",
        "x{0} = x{1}; websocket.send(x{0})",
        "if service_url == {0}: return Noreply(state)",
        "websocket.send_json([{0}, websocket])",
    ],
)
def test_a_thousand_times_the_same_does_not_take_long(line: str) -> None:
    text = (
        "import time\nfrom boss import Noreply, ServiceHandler, WebSocket, services\n"
        "class Chat(ServiceHandler[dict[str, set[WebSocket]]]):\n"
        "    def handle_join(self, service_url, websocket, state):\n"
    )
    for number in range(1, 1001):
        text += f"        {line.format(number, number - 1)}\n"
    text += "        return Noreply(state)\n"
    start = process_time()
    ast.parse(text)
    parsed = process_time()
    check_text(text)
    assert process_time() - parsed < 150 * (parsed - start)


@pytest.mark.parametrize("packages", [STDLIB, Path(pytest.__file__).parent])
def test_modules_of_others_as_they_lie(packages: Path) -> None:
    files = sorted(packages.rglob("*.py"))
    random.Random(8).shuffle(files)
    for file in files[:150]:
        text = file.read_bytes().decode("utf-8", "replace")
        assert {problem.code for problem in check_text(text)} <= {"BG301", "BG302"}
