"""What is said about payloads, held against running them: BG403 may be reported only of what is never text or bytes."""

import ast
import itertools
import random
import warnings
from types import SimpleNamespace

from tests.checking import check_text

HANDLER = """\
from boss import Noreply, ServiceHandler
LIMIT = 5
WORD = "word"
NAMES = ["ann"]
def number() -> int: return 5
def word() -> str: return "word"
class State:
    count: int
    text: str
    names: list[str]
    table: dict[str, int]
class Chat(ServiceHandler[State]):
    def handle_incoming(self, service_url, websocket, message, state):
        kept = message
        twice = 5
        twice = "five"
        for name in state.names:
            for key, value in state.table.items():
"""
KNOWN = {
    "LIMIT": 5,
    "WORD": "word",
    "NAMES": ["ann"],
    "number": lambda: 5,
    "word": lambda: "word",
    "service_url": "/chat",
    "state": SimpleNamespace(count=3, text="x", names=["a", "b"], table={"a": 1}),
    "twice": "five",
    "name": "a",
    "key": "a",
    "value": 1,
}
INDENT = " " * 16

SIMPLE = (
    *("message", "service_url", "state.count", "state.text", "state.names"),
    *("state.table", "LIMIT", "WORD", "NAMES", "number()", "word()", "kept", "twice"),
    *("name", "key", "value", "(5)", "1.5", "'a'", "b'b'", "True", "None", "[]", "{}"),
)
SHAPES = (
    *("({} + {})", "({} * {})", "({} % {})", "({} - {})", "(-{})", "(not {})"),
    *("{}[0]", "{}[:1]", "str({})", "len({})", "[one for one in {}]", "[{}][0]"),
    *("{}.split()", "{}.encode()", "{}.decode()", "{}.strip()", "{{{}: {}}}['a']"),
    *("({} if {} else {})", "({} or {})", "({}, {})", "({} == {})", "(lambda: {})()"),
)


def expressions() -> list[str]:
    """All of one shape, and some thousand of several."""
    small = [
        shape.format(*parts)
        for shape in SHAPES
        if shape.count("{}") < 3
        for parts in itertools.product(SIMPLE, repeat=shape.count("{}"))
    ]
    dice = random.Random(8)
    pool = [*SIMPLE, *small]
    large = [
        shape.format(*dice.choices(pool, k=3)) for shape in dice.choices(SHAPES, k=3000)
    ]
    return [*SIMPLE, *small, *large]


def values(expression: str) -> list[object]:
    """What it gives for a text and for bytes of the client; nothing for what it cannot be."""
    found: list[object] = []
    for message in ("a word", b"a word"):
        names = {**KNOWN, "message": message, "kept": message}
        try:
            found.append(eval(expression, names))
        except (TypeError, ValueError, AttributeError, LookupError, ZeroDivisionError):
            pass
    return found


def test_what_is_reported_is_never_text_or_bytes() -> None:
    payloads = expressions()
    sends = "".join(f"{INDENT}websocket.send({one})\n" for one in payloads)
    text = f"{HANDLER}{sends}        return Noreply(state)\n"
    first = HANDLER.count("\n") + 1
    before = len(f"{INDENT}websocket.send(") + 1
    reported = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python, about `5[0]`
        for problem in check_text(text):
            assert problem.code == "BG403"
            payload = payloads[problem.span.line - first]
            node = ast.parse(payload, mode="eval").body
            if problem.span.column - before != node.col_offset or (
                problem.span.end_column - before != node.end_col_offset
            ):
                continue  # one side of a condition
            reported += 1
            given = values(payload)
            assert not any(isinstance(one, str | bytes) for one in given), problem
    assert reported > 1000
