"""What the tests of the checker share: handlers in which comments say what is wrong with a line."""

import re
import textwrap
from collections.abc import Iterator, Mapping

from bossgen.behaviour import behaviour
from bossgen.build import ADDRESSES, HANDLER
from bossgen.check import check
from bossgen.diagnostics import Diagnostic, sort_key
from bossgen.locate import read_template
from bossgen.model import ProjectConfig, Source
from bossgen.parse import parse
from bossgen.plan import make_plan

_COPIED = read_template().copied

BEHAVIOUR = behaviour(_COPIED[HANDLER], [_COPIED[path] for path in ADDRESSES])

PATH = "src/websocket/myapp_chat_websocket.py"

HEAD = """\
from dataclasses import dataclass, field
from boss import *
from boss import services

@dataclass
class State:
    members: Group = field(default_factory=Group)
    plain: set[WebSocket] = field(default_factory=set)
    names: dict[WebSocket, str] = field(default_factory=dict)
    count: int = 0

class ChatWebsocket(ServiceHandler[State]):
"""

_EXPECTED = re.compile(r"#! (.+)$")


def checked(files: Mapping[str, str], app: str = "myapp") -> tuple[Diagnostic, ...]:
    """All problems of some files, keyed by path, as the compiler would list them."""
    sources = [Source(path, text) for path, text in files.items()]
    handlers, problems = parse(sources, app, BEHAVIOUR)
    plan = make_plan(handlers, ProjectConfig(app))
    found = (*problems, *check(plan, BEHAVIOUR, problems))
    return tuple(sorted(found, key=sort_key))


def check_text(text: str) -> tuple[Diagnostic, ...]:
    """All problems of one handler, the service chat of myapp."""
    return checked({PATH: text})


def whole(sample: str) -> str:
    """A sample as a file: methods alone get a handler's class around them."""
    text = textwrap.dedent(sample).strip("\n")
    if re.match(r"(async def|def|@|handle_)", text):
        return HEAD + textwrap.indent(text, "    ") + "\n"
    return text + "\n"


def expected(text: str) -> list[tuple[int, str]]:
    """Line and code of each problem that a comment `#! BG307 BG501` announces."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        comment = _EXPECTED.search(line)
        if comment:
            found += [(number, code) for code in comment[1].split()]
    return sorted(found)


def samples(text: str) -> Iterator[tuple[str, str]]:
    """Name and text of each sample; a line `=== name` begins one."""
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        name, _, sample = part.partition("\n")
        yield name.strip(), sample
