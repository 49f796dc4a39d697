"""What `bossgen explain` says, from the rules' own docstrings."""

import re
from pathlib import Path

import pytest

from bossgen.explain import explain, markdown, overview, suggestion
from bossgen.rules import RULES
from bossgen.rules.rule import Rule
from tests.checking import samples, whole

ROOT = Path(__file__).resolve().parents[2]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)

CONTRACT = """
BG101 config-syntax  BG102 config-unknown-key  BG103 config-value
BG104 config-unknown-service  BG201 handler-file-name  BG202 service-name
BG204 stray-file  BG301 handler-syntax  BG302 handler-missing
BG303 handler-ambiguous  BG304 callback-unknown  BG305 callback-parameters
BG306 callback-kind  BG307 result-missing  BG308 result-shape
BG309 request-unavailable  BG310 timeout-value  BG401 awaited-send
BG402 unknown-service  BG403 payload-type
"""
WARNINGS = "BG404 missing-await  BG501 blocking-call  BG502 lost-state"


def test_codes_and_names_are_those_of_the_contract() -> None:
    def pairs(text: str) -> set[tuple[str, str]]:
        words = text.split()
        return set(zip(words[::2], words[1::2], strict=True))

    errors = {(r.code, r.name) for r in RULES if r.severity == "error"}
    assert errors == pairs(CONTRACT)
    warnings = {(r.code, r.name) for r in RULES if r.severity == "warning"}
    assert {pair for pair in warnings if pair[0] < "BG600"} == pairs(WARNINGS)


def test_codes_are_in_order_and_used_once() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in RULES}) == len(RULES)


@each_rule
def test_says_what_why_example_and_instead(rule: Rule) -> None:
    text = explain(rule.code)
    assert text is not None
    assert text.startswith(f"{rule.code} {rule.name} ({rule.severity})\n\n")
    what, why, *rest = rule.text.split("\n\n")
    assert what.endswith(".")
    assert len(why) > 100
    assert re.search(r"^Example\b.*:$", "\n\n".join(rest), re.MULTILINE)
    assert re.search(r"^Instead\b", "\n\n".join(rest), re.MULTILINE)
    assert not re.search(r"\binvalid\b|\bfailed to\b", rule.text)


@each_rule
def test_code_and_name_in_any_case(rule: Rule) -> None:
    wanted = explain(rule.code)
    for written in (rule.code.lower(), rule.name, rule.name.upper(), f" {rule.code} "):
        assert explain(written) == wanted
    assert explain(rule.name.replace("-", "_")) == wanted


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BG35", "BG305"),
        ("bg3005", "BG305"),
        ("BG203", "BG202"),
        ("blocking-cal", "blocking-call"),
        ("awaited_sned", "awaited-send"),
        ("quite something else", ""),
    ],
)
def test_unknown_codes(written: str, meant: str) -> None:
    assert explain(written) is None
    found = suggestion(written)
    assert found == meant or (meant.startswith("BG") and found.startswith("BG"))


def test_overview_has_a_line_for_each() -> None:
    lines = overview().splitlines()
    assert len(lines) == len(RULES)
    for rule, line in zip(RULES, lines, strict=True):
        assert line.split()[:3] == [rule.code, rule.name, rule.severity]
        assert rule.title in line


def test_markdown_has_a_row_for_each() -> None:
    rows = markdown().splitlines()[2:]
    assert [row.split(" | ")[1] for row in rows] == [rule.name for rule in RULES]


def test_a_table_in_the_readme_is_this_one() -> None:
    readme = (ROOT / "README.md").read_text()
    if "| BG101 |" in readme:
        assert markdown() in readme


def test_messages_blame_nobody() -> None:
    from tests.checking import check_text

    for file in (Path(__file__).parent / "samples").glob("*.txt"):
        for _, sample in samples(file.read_text()):
            for found in check_text(whole(sample)):
                words = f"{found.message} {found.help}"
                assert not re.search(r"\b[Ii]nvalid\b|\b[Ff]ailed to\b", words), words
                assert not found.message.endswith(".")
