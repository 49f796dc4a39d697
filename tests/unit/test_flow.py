"""What is said about the ends of a function, held against running it in every way there is.

Functions are made of statements that ask an oracle: which branch, how often round, does this call fail. All answers are
tried, and the function is run with each: BG307 has to be reported exactly when one of these runs ends with None.
"""

import re
import textwrap
from collections.abc import Iterator
from itertools import count
from random import Random

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from bossgen.diagnostics import render_full
from tests.checking import PATH, check_text, whole

MOST_RUNS = 2000
MOST_QUESTIONS = 14  # in one run
ROUNDS = 2  # how often a loop goes round at most


class TooLongError(BaseException):
    """A run that asks too much; no `except` of the function may catch it."""


class Noreply:
    def __init__(self, state: object) -> None:
        self.state = state


class Suppress:
    def __init__(self, *kinds: type[Exception]) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, *rest: object) -> bool:
        return isinstance(kind, type) and issubclass(kind, ValueError)


class Lock:
    def __init__(self, oracle: "Oracle") -> None:
        self.oracle = oracle

    def __enter__(self) -> None:
        self.oracle.risk()

    def __exit__(self, *reason: object) -> None: ...


class Number:
    """A number that may turn out to be none when it is compared."""

    def __init__(self, oracle: "Oracle", value: float) -> None:
        self.oracle = oracle
        self.value = value

    def __eq__(self, other: object) -> bool:
        return self.value == other

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: float) -> bool:
        self.oracle.risk()
        return self.value < other

    def __le__(self, other: float) -> bool:
        self.oracle.risk()
        return self.value <= other

    def __gt__(self, other: float) -> bool:
        self.oracle.risk()
        return self.value > other

    def __ge__(self, other: float) -> bool:
        self.oracle.risk()
        return self.value >= other


class Oracle:
    """Answers each question as a list says, and the rest with the first answer."""

    def __init__(self, answers: list[int]) -> None:
        self.answers = answers
        self.asked: list[int] = []  # how many answers each question had

    def ask(self, choices: int) -> int:
        place = len(self.asked)
        if place >= MOST_QUESTIONS:
            raise TooLongError
        self.asked.append(choices)
        return self.answers[place] if place < len(self.answers) else 0

    def __getattr__(self, name: str) -> object:
        """`yes5`, `word7`, `rows9` and `lock11`: each place in a function asks for itself."""
        if name.startswith("yes"):
            return self.ask(2) == 1
        if name.startswith("word"):
            return ("other", "a", "b")[self.ask(3)]
        if name.startswith("roll"):
            return Number(self, (0, 1, 1.5, 2, 3)[self.ask(5)])
        if name.startswith("lock"):
            return Lock(self)
        return self.rows(self.ask(ROUNDS + 1))

    def rows(self, rounds: int) -> Iterator[int]:
        self.risk()
        yield from range(rounds)

    def risk(self) -> None:
        if self.ask(2):
            raise ValueError


def runs(text: str) -> Iterator[object]:
    """What the function returns in each of its runs; an exception is a result of its own."""
    names: dict[str, object] = {"Noreply": Noreply, "suppress": Suppress}
    exec(text, names)  # noqa: S102 - we have made the text ourselves
    function = names["handle_info"]
    assert callable(function)
    answers: list[int] = []
    for _ in range(MOST_RUNS):
        oracle = Oracle(answers)
        try:
            yield function(None, oracle, None)
        except (ValueError, TooLongError) as error:
            yield error
        # The next answers, as an odometer counts.
        digits = (answers + [0] * len(oracle.asked))[: len(oracle.asked)]
        while digits and digits[-1] + 1 >= oracle.asked[len(digits) - 1]:
            digits.pop()
        if not digits:
            return
        digits[-1] += 1
        answers = digits
    assume(False)


# --- functions ---

Lines = list[str]


def indented(lines: Lines) -> Lines:
    return [f"    {line}" for line in lines]


SIMPLE = st.sampled_from(
    [
        ["info.risk()"],
        ["state = info"],
        ["result = Noreply(state)"],
        ["result = None"],
        ["flag = info.yes"],
        ["flag = not flag"],
        ["number = info.roll"],
    ]
)
RIGHT = [
    ["return Noreply(state)"],
    ["return result or Noreply(state)"],
    ["return Noreply(state) if result is None else result"],
    ["raise ValueError"],
]
LEAVING = {
    True: st.sampled_from(RIGHT),
    False: st.sampled_from(
        [
            *RIGHT,
            ["return result"],
            ["return None"],
            ["return"],
            ["return Noreply(state) if info.yes else result"],
        ]
    ),
}
NUMBERS = [
    *("number < 1", "number >= 1", "1 <= number < 2", "2 == number"),
    *("number > 2", "not number <= 2"),
]
TESTS = st.sampled_from(
    ["info.yes", "not info.yes", "flag", "not flag", "result is None", "result"]
    + NUMBERS
)


@st.composite
def blocks(draw: st.DrawFn, depth: int, loop: bool, careful: bool) -> Lines:
    """Some statements; `break` and `continue` only in a loop."""
    lines: Lines = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(statements(depth, loop, careful))
    if draw(st.integers(0, 3)) > (0 if careful else 2):
        lines += draw(LEAVING[careful])
    return lines


@st.composite
def statements(draw: st.DrawFn, depth: int, loop: bool, careful: bool) -> Lines:
    if depth == 0:
        return draw(SIMPLE)
    inner = blocks(depth - 1, loop, careful)
    body = blocks(depth - 1, True, careful)
    kind = draw(st.integers(0, 10))
    if kind == 0:
        return draw(SIMPLE)
    if kind == 1:
        return [f"if {draw(TESTS)}:", *indented(draw(inner))]
    if kind == 2:
        return [
            f"if {draw(TESTS)}:",
            *indented(draw(inner)),
            f"elif {draw(TESTS)}:",
            *indented(draw(inner)),
            "else:",
            *indented(draw(inner)),
        ]
    if kind == 3:
        lines = ["match info.word:", '    case "a":', *indented(indented(draw(inner)))]
        lines += [f'    case "b" if {draw(TESTS)}:', *indented(indented(draw(inner)))]
        if draw(st.booleans()):
            lines += ["    case _:", *indented(indented(draw(inner)))]
        return lines
    if kind == 4:
        lines = ["try:", *indented(draw(inner))]
        shape = draw(st.integers(0, 3))
        if shape != 0:
            lines += ["except ValueError:", *indented(draw(inner))]
        if shape == 2:
            lines += ["else:", *indented(draw(inner))]
        if shape in {0, 3}:
            lines += ["finally:", *indented(draw(blocks(depth - 1, False, careful)))]
        return lines
    if kind == 5:
        lines = ["for row in info.rows:", *indented(draw(body))]
        if draw(st.booleans()):
            lines += ["else:", *indented(draw(inner))]
        return lines
    if kind == 6:
        return [
            "while True:",
            "    if info.yes:",
            "        break",
            *indented(draw(body)),
        ]
    if kind == 7:
        return ["while info.yes:", *indented(draw(body))]
    if kind == 8:
        context = draw(st.sampled_from(["info.lock", "suppress(ValueError)"]))
        return [f"with {context}:", *indented(draw(inner))]
    if kind == 9 and loop:
        return [
            f"if {draw(TESTS)}:",
            f"    {draw(st.sampled_from(['break', 'continue']))}",
        ]
    return [
        "def inner():",
        *indented(draw(LEAVING[careful])),
    ]


@st.composite
def functions(draw: st.DrawFn, careful: bool | None = None) -> str:
    lines = [
        "def handle_info(self, info, state):",
        "    result = None",
        "    flag = False",
    ]
    careful = draw(st.booleans()) if careful is None else careful
    body = draw(blocks(draw(st.integers(1, 3)), False, careful))
    if careful and draw(st.booleans()):
        body += ["return Noreply(state)"]
    if any("number" in line for line in body):
        lines += ["    number = info.roll"]
    text = "\n".join(lines + indented(body)) + "\n"
    places = count(1)
    return re.sub(
        r"(?<=info\.)(yes|word|rows|roll|lock)", lambda m: f"{m[1]}{next(places)}", text
    )


def reported(text: str) -> tuple[bool, str]:
    """Whether BG307 is among the problems, and all of them in words."""
    file = (
        "from contextlib import suppress\n"
        "from boss import Noreply, ServiceHandler\n"
        "class Chat(ServiceHandler[int]):\n" + textwrap.indent(text, "    ")
    )
    found = check_text(whole(file))
    assert {diagnostic.code for diagnostic in found} <= {"BG307"}, found
    return bool(found), render_full(found, {PATH: file})


def agrees(text: str) -> bool | None:
    """Whether the function can end without a result; that is what has to be said. None: it cannot be tried out."""
    ends = list(runs(text))
    missing = any(end is None for end in ends)
    cut = any(isinstance(end, TooLongError) for end in ends)
    said, words = reported(text)
    event(f"missing {missing}, said {said}, cut {cut}")
    if missing:
        assert said, text
    elif not cut:
        assert not said, f"{text}\n{words}"
    return None if cut else missing


PROPERTY = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@PROPERTY
@given(functions())
def test_result_missing_is_reported_when_a_run_ends_without_one(text: str) -> None:
    agrees(text)


@PROPERTY
@given(functions(careful=True), st.randoms(use_true_random=False))
def test_a_return_taken_out_of_a_right_function_is_missed_where_it_is_reached(
    text: str, random: Random
) -> None:
    assume(agrees(text) is False)
    lines = text.splitlines()
    returns = [place for place, line in enumerate(lines) if "return" in line]
    assume(returns)
    place = random.choice(returns)
    lines[place] = re.sub(r"return.*", "pass", lines[place])
    agrees("\n".join(lines) + "\n")
