"""The README's tables are true: of diagnostics, made from the rules' docstrings, and of faults, each with its test."""

import re
from pathlib import Path

from bossgen import explain

README = Path(__file__).resolve().parents[2] / "README.md"
FAULTS = README.parent / "tests" / "runtime" / "test_faults.py"
TABLE = re.compile(
    r"(?<=--update-cases -->\n)(.*?)(?=<!-- end of rules -->)", re.DOTALL
)


def test_table_of_rules_is_the_rules_own(update_cases: bool) -> None:
    """`--update-cases` writes it anew."""
    text = README.read_text()
    if update_cases:
        README.write_text(TABLE.sub(lambda _: f"\n{explain.markdown()}\n", text))
    found = TABLE.search(README.read_text())
    assert found is not None
    assert found[0].strip() == explain.markdown().strip()


def test_every_fault_survived_is_named_with_its_test() -> None:
    named = re.findall(r"`(test_\w+)`", README.read_text())
    assert named == re.findall(r"^def (test_\w+)", FAULTS.read_text(), re.MULTILINE)
