"""Every rule on small handlers, whose comments `#! BG305` say what is wrong with their line, and nothing else is."""

import sys
from pathlib import Path

import pytest

from bossgen.diagnostics import render_full
from bossgen.rules import RULES
from tests.checking import PATH, check_text, expected, samples, whole

FOLDER = Path(__file__).parent / "samples"
SAMPLES = [
    pytest.param(text, file.stem, id=f"{file.stem}: {name}")
    for file in sorted(FOLDER.glob("*.txt"))
    for name, text in samples(file.read_text())
]


@pytest.mark.parametrize(("sample", "subject"), SAMPLES)
def test_sample(sample: str, subject: str) -> None:
    text = whole(sample)
    found = check_text(text)
    shown = render_full(found, {PATH: text})
    if subject == "python312" and sys.version_info < (3, 12):
        assert [d.code for d in found] == ["BG301"], shown
    else:
        assert sorted((d.span.line, d.code) for d in found) == expected(text), shown


def test_every_rule_for_handlers_has_a_sample_that_finds_it() -> None:
    found = {
        code
        for file in FOLDER.glob("*.txt")
        for _, sample in samples(file.read_text())
        for _, code in expected(whole(sample))
    }
    wanted = {rule.code for rule in RULES if not rule.code.startswith(("BG1", "BG2"))}
    assert found == wanted
