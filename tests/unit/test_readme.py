"""The README's table of diagnostics is made from the rules' docstrings."""

import re
from pathlib import Path

from bossgen import explain

README = Path(__file__).resolve().parents[2] / "README.md"
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
