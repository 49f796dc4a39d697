"""Each folder of cases/ is a claim: a small project, and what bossgen must answer.

A case is boss.toml (by default an app called `myapp`) and src/websocket/. Beside them stand stderr.txt, the problems in
the form `full`, unless there are none; and, in cases about output, expected/ with the files rendered from the handlers.
`pytest --update-cases` writes both anew; to begin a case about output, make an empty folder expected/.
"""

import shutil
from pathlib import Path

import pytest

from bossgen.build import Report, examine
from bossgen.render import ROUTER, SERVICES
from bossgen.report import problems

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir())


def answer(case: Path, tmp_path: Path) -> Report:
    """Compile a copy of the case, elsewhere and with a boss.toml."""
    root = tmp_path / "project"
    shutil.copytree(case / "src", root / "src")
    (root / "boss.toml").write_bytes(
        (case / "boss.toml").read_bytes()
        if (case / "boss.toml").exists()
        else b'app = "myapp"\n'
    )
    return examine(root)


def produced(report: Report) -> dict[str, str]:
    """The rendered files, keyed by path; the digest of the copied ones would change with each of them."""
    if report.outcome is None or not report.outcome.files:
        return {}
    return {
        str(path): "".join(
            line
            for line in report.outcome.files[path].splitlines(keepends=True)
            if not line.startswith("# digest:")
        )
        for path in (ROUTER, SERVICES)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path, update_cases: bool) -> None:
    report = answer(case, tmp_path)
    stderr = case / "stderr.txt"
    expected = case / "expected"
    said = problems(report, "full", color=False)
    if update_cases:
        update(said, stderr, produced(report), expected)
    assert said == (stderr.read_text() if stderr.exists() else "")
    if expected.exists():
        assert produced(report) == {
            path.relative_to(expected).as_posix(): path.read_text()
            for path in expected.rglob("*.py")
        }


def update(said: str, stderr: Path, files: dict[str, str], expected: Path) -> None:
    """Write down what bossgen answers now."""
    stderr.unlink(missing_ok=True)
    if said:
        stderr.write_text(said)
    if expected.exists():
        shutil.rmtree(expected)
        for path, text in files.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text)
