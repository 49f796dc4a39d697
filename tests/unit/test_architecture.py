"""How the modules hang together, and what must not stand in this repository."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "generator" / "bossgen"
BOSS = ROOT / "template" / "boss"

# The direction of imports in the generator: a module imports only from rows below its own.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"dev", "init", "update"},
    {"scaffold", "watch", "report"},
    {"build"},
    {"check", "causes", "explain", "templates"},
    {"config", "sources", "parse", "plan", "records", "render", "write"},
    {"rules"},
    {"behaviour", "define", "locate", "place", "positions", "scopes", "syntax"}
    | {"values"},
    {"lineage", "names"},
    {"model", "diagnostics", "errors", "header", "application", "merge", "served"}
    | {"__init__"},
)
RANK = {module: row for row, modules in enumerate(LAYERS) for module in modules}

# Third-party packages and the only modules that import them.
GENERATOR_NEEDS = {
    "typer": {"cli"},
    "copier": {"templates"},
    "plumbum": {"templates"},  # with which Copier runs git
    "jinja2": {"render"},
    "watchfiles": {"watch"},
}
RUNTIME_NEEDS = {
    "starlette": None,  # anywhere
    "fastapi": {"runtime/routing"},
    "itsdangerous": {"runtime/handshake"},
    "uvicorn": {"runtime/opening", "runtime/protocol", "__main__"},
    "websockets": {
        "runtime/opening",
        "runtime/protocol",
        "runtime/reading",
        "__main__",
    },
}


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imported(path: Path, package: Path) -> Iterator[str]:
    """Absolute names of all modules imported, those for type checkers only as well.

    Relative imports are resolved against `package`, the folder of the top package.
    """
    here = [package.name, *path.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*start, *(node.module.split(".") if node.module else [])])
            submodules = [f"{base}.{alias.name}" for alias in node.names]
            known = [name for name in submodules if is_module(name, package)]
            yield from known or [base]


def is_module(name: str, package: Path) -> bool:
    path = package.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def late_imports(path: Path) -> list[str]:
    """Imports of our own modules inside functions; relative, as ours are."""
    tree = ast.parse(path.read_text())
    return [
        ast.unparse(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.ImportFrom) and inner.level
    ]


def short(path: Path, package: Path) -> str:
    return path.relative_to(package).with_suffix("").as_posix()


def test_the_table_names_every_module() -> None:
    found = {short(path, GENERATOR).split("/")[0] for path in modules(GENERATOR)}
    assert found == set(RANK)


@pytest.mark.parametrize("path", modules(GENERATOR), ids=lambda p: short(p, GENERATOR))
def test_generator_imports_point_one_way(path: Path) -> None:
    module = short(path, GENERATOR).split("/")[0]
    for name in imported(path, GENERATOR):
        top, *rest = name.split(".")
        if top != "bossgen":
            continue
        other = rest[0] if rest else "__init__"
        inside = module == other == "rules"
        assert inside or RANK[other] > RANK[module], f"{module} imports {other}"


@pytest.mark.parametrize("path", modules(GENERATOR), ids=lambda p: short(p, GENERATOR))
def test_generator_imports_late_on_the_way_in_only(path: Path) -> None:
    if path.name not in ("__main__.py", "cli.py"):
        assert late_imports(path) == []


@pytest.mark.parametrize("path", modules(GENERATOR), ids=lambda p: short(p, GENERATOR))
def test_generator_needs(path: Path) -> None:
    module = short(path, GENERATOR)
    for name in imported(path, GENERATOR):
        top = name.partition(".")[0]
        if top != "bossgen" and top not in sys.stdlib_module_names:
            assert module in GENERATOR_NEEDS.get(top, ()), f"{module} imports {top}"


@pytest.mark.parametrize("path", modules(BOSS), ids=lambda p: short(p, BOSS))
def test_runtime_needs(path: Path) -> None:
    module = short(path, BOSS)
    for name in imported(path, BOSS):
        top = name.partition(".")[0]
        if top != "boss" and top not in sys.stdlib_module_names:
            assert top in RUNTIME_NEEDS, f"{module} imports {top}"
            users = RUNTIME_NEEDS[top]
            assert users is None or module in users, f"{module} imports {top}"


@pytest.mark.parametrize("path", modules(BOSS), ids=lambda p: short(p, BOSS))
def test_runtime_imports_nothing_late(path: Path) -> None:
    assert late_imports(path) == []


@pytest.mark.parametrize(
    ("package", "part"),
    [(BOSS, "runtime"), (GENERATOR, "rules")],
    ids=["runtime", "rules"],
)
def test_a_part_is_told_in_the_order_of_its_imports(package: Path, part: str) -> None:
    text = ast.get_docstring(ast.parse((package / part / "__init__.py").read_text()))
    rows = re.findall(r"^    ((?:\w+, )*\w+)  ", text or "", re.MULTILINE)
    told = [name for row in rows for name in row.split(", ")]
    paths = {path.stem: path for path in modules(package / part)}
    assert sorted(told) == sorted(set(paths) - {"__init__"})
    for number, name in enumerate(told):
        for module in imported(paths[name], package):
            if module.startswith(f"{package.name}.{part}."):
                assert module.rpartition(".")[2] in told[:number], name


@pytest.mark.parametrize("path", modules(BOSS), ids=lambda p: short(p, BOSS))
def test_every_copied_file_bears_the_header(path: Path) -> None:
    first = path.read_text().partition("\n")[0]
    assert first.startswith("# Copied by bossgen. Do not edit:")


def tracked() -> list[Path]:
    """Every file of the repository that is or will be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    return [
        ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()
    ]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_registry_and_no_path_of_a_machine() -> None:
    hosts = ["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs"]
    places = [r"deb\." + r"debian\.org", r"(?<![\w.])/(?:work|farm|root)" + "/"]
    forbidden = re.compile("|".join([*hosts, *places]))
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture
        found += [
            f"{path.relative_to(ROOT)}: {match[0]}"
            for match in forbidden.finditer(text)
        ]
    assert found == []


def test_the_heavy_packages_are_not_imported_for_help() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from bossgen.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try: app(['--help'])\n"
        "    except SystemExit: pass\n"
        "print(*sorted({'copier', 'jinja2', 'fastapi', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == ""
