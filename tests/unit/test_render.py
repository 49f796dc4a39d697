"""render.py: whatever is legal to call an app, a service or a class gives code that linters have nothing to say about."""

import ast
import keyword
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bossgen.header import is_intact, is_ours
from bossgen.plan import ROUTER_NAMES
from bossgen.render import ROUTER, SERVICES, argument
from tests.compiling import TEMPLATE, compiled, handler

ROOT = Path(__file__).resolve().parents[2]

RESERVED = {"app", "boss", "src", "tests", "fastapi", "starlette", "uvicorn", "bossgen"}
CALLBACKS = ("init", "handle_join", "handle_close", "handle_info", "terminate")

names = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
    st.from_regex(r"[a-b][0-9_]{0,4}", fullmatch=True),  # numbers side by side
    st.sampled_from(["print", "match", "type", "services", "node", "router", "a" * 40]),
).filter(lambda name: not keyword.iskeyword(name))
class_names = st.one_of(
    st.sampled_from(["ChatWebsocket", "Chat", "CHAT", "chat", "_Chat", "Übung", "_"]),
    st.sampled_from(sorted(ROUTER_NAMES)),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,60}", fullmatch=True).filter(
        lambda name: not keyword.iskeyword(name) and not name.startswith("__")
    ),
)
tokens = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}", fullmatch=True)
origins = st.from_regex(r"https?://[a-z0-9.-]{1,80}(:[0-9]{1,4})?", fullmatch=True)


@st.composite
def projects(draw: st.DrawFn) -> tuple[str, dict[str, str], str]:
    """An app, its handlers, and the rest of boss.toml."""
    app = draw(names.filter(lambda name: name not in RESERVED))
    services = draw(st.lists(names, max_size=5, unique=True))
    handlers = {
        service: handler(
            draw(class_names), *draw(st.lists(st.sampled_from(CALLBACKS), unique=True))
        )
        for service in services
    }
    segments = st.from_regex(r"[A-Za-z0-9_~-]{1,60}", fullmatch=True)
    base_url = "/".join(draw(st.lists(segments, max_size=3)))
    toml = f'base_url = "{base_url}"\n[session]\ncookie = "{draw(tokens)}"\n'
    for section in ("websocket", *(f"service.{service}" for service in services)):
        if draw(st.booleans()):
            listed = draw(st.lists(origins, max_size=3))
            toml += (
                f"[{section}]\nidle_timeout = {draw(st.sampled_from([1, 0.5, 1e16]))}\n"
                f"allowed_origins = {listed}\nsubprotocols = {draw(st.lists(tokens))!r}\n"
            )
    return app, handlers, toml


def lay_out(projects: list[tuple[str, dict[str, str], str]], root: Path) -> None:
    """Write what the projects compile to side by side, each with what makes it a project for Ruff."""
    for number, (app, handlers, toml) in enumerate(projects):
        outcome = compiled(handlers, toml, app)
        assert outcome.problems == ()
        files = outcome.files
        folder = root / f"project{number}"
        (folder / "boss").mkdir(parents=True)
        (folder / "src" / "websocket").mkdir(parents=True)
        (folder / "pyproject.toml").write_text("[tool.ruff]\n")
        (folder / "boss" / "__init__.py").touch()
        for service in outcome.plan.services:
            (folder / service.handler.path).touch()
        for path in (ROUTER, SERVICES):
            (folder / path).write_text(files[path])


def ruff(*command: str, cwd: Path) -> str:
    """What Ruff with its defaults has to say; nothing when it is content."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


# Ruff is started once for many projects, and nothing is shrunk: a start costs more than all of them.
@settings(
    max_examples=5,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
@given(many=st.lists(projects(), min_size=20, max_size=20))
def test_any_legal_name_passes_ruff(
    many: list[tuple[str, dict[str, str], str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lay_out(many, Path(folder))
        assert ruff("check", cwd=Path(folder)) == ""
        assert ruff("format", "--diff", cwd=Path(folder)) == ""


def test_what_a_project_asks_of_its_own_code_is_not_asked_of_what_is_generated(
    tmp_path: Path,
) -> None:
    for path, text in compiled({"chat": handler()}).files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "myapp"\nversion = "1"\nrequires-python = ">=3.14"\n'
        '[tool.ruff]\nline-length = 60\nlint.select = ["ALL"]\nformat.quote-style = "single"\n'
    )
    assert ruff("check", cwd=tmp_path / "boss") == ""
    assert ruff("format", "--diff", cwd=tmp_path / "boss") == ""


def test_the_names_of_the_router_are_all_reserved() -> None:
    outcome = compiled({"chat": handler()}, "[service.chat]\nidle_timeout = 1\n")
    tree = ast.parse(outcome.files[ROUTER])
    bound = {
        name.id
        for name in ast.walk(tree)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
    assert bound - {"ChatWebsocket"} == ROUTER_NAMES


def test_every_file_is_ours_and_the_rendered_ones_are_intact() -> None:
    files = compiled({"chat": handler()}).files
    assert all(is_ours(text) for text in files.values())
    assert is_intact(files[ROUTER])
    assert is_intact(files[SERVICES])


def test_copied_files_are_copied_byte_for_byte() -> None:
    files = compiled({}).files
    assert {path: files[path] for path in TEMPLATE.copied} == TEMPLATE.copied


@pytest.mark.parametrize("length", range(50, 75))
def test_a_list_of_one_is_folded_as_long_as_it_fits(length: int) -> None:
    text = argument(("subprotocols", ("x" * length,)), 4)
    assert ("\n" not in text) == (4 + len(f'subprotocols=("{"x" * length}",),') <= 88)
