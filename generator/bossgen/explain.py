"""What `bossgen explain` prints: the rules' own docstrings, by code or by name."""

import difflib

from .rules import RULES
from .rules.rule import Rule


def explain(code: str) -> str | None:
    """The long form of one rule: what, why, example, instead.

    Args:
        code: "BG305", "bg305" or "callback-parameters".

    Returns:
        The text, or None when there is no such rule; `suggestion` then says which was probably meant.
    """
    found = _find(code)
    if found is None:
        return None
    return f"{found.code} {found.name} ({found.severity})\n\n{found.text.rstrip()}\n"


def suggestion(code: str) -> str:
    """The code or name that was probably meant, or ""."""
    written = _plain(code)
    codes = difflib.get_close_matches(
        written.upper(), [rule.code for rule in RULES], 1, 0.6
    )
    names = difflib.get_close_matches(
        written.lower(), [rule.name for rule in RULES], 1, 0.6
    )
    if written[:1].upper() == "B" and written[-1:].isdigit():
        return (codes or names or [""])[0]
    return (names or codes or [""])[0]


def overview() -> str:
    """The list of all rules, one to a line."""
    code = max(len(rule.code) for rule in RULES)
    name = max(len(rule.name) for rule in RULES)
    return "".join(
        f"{rule.code:{code}}  {rule.name:{name}}  {rule.severity:7}  {rule.title}\n"
        for rule in RULES
    )


def markdown() -> str:
    """The table of the rules for the README."""
    rows = [
        f"| {rule.code} | {rule.name} | {rule.severity} | {rule.title} |\n"
        for rule in RULES
    ]
    return "| code | name | | what |\n|---|---|---|---|\n" + "".join(rows)


def _find(code: str) -> Rule | None:
    written = _plain(code)
    for rule in RULES:
        if written.upper() == rule.code or written.lower() == rule.name:
            return rule
    return None


def _plain(code: str) -> str:
    return code.strip().replace("_", "-")
