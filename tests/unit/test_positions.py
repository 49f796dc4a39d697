"""positions.py: the places of keys and values, held against what tomllib reads there."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bossgen.positions import Path, Positions

TEXT = """\
app = "x"  # a = 1
a."b.c".d = [ 1, # x ]
 'y]', {q = 1, r.s = 'z'}, 2020-01-01 10:00:00 ]
[service."ch\\u0061t"]
x.y = \"\"\"a "quoted" \\"text\"\"\"\"\"
empty = {}
[[list]]
k = [[1, 2], [3]]
[[list]]
k = '''
it's'''
"""


def leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """All values that are no tables and no lists, with their paths."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [
            leaf
            for index, item in enumerate(value)
            for leaf in leaves(item, (*path, index))
        ]
    return [(path, value)]


def test_each_value_is_found_where_it_is_written() -> None:
    places = Positions(TEXT)
    found = leaves(tomllib.loads(TEXT))
    assert len(found) == 11
    for path, value in found:
        start, end = places.value(path)
        assert tomllib.loads(f"v = {TEXT[start:end]}")["v"] == value


def test_each_key_is_found_where_it_is_written() -> None:
    places = Positions(TEXT)
    for path, written in [
        (("app",), "app"),
        (("a", "b.c"), '"b.c"'),
        (("a", "b.c", "d", 2, "r", "s"), "s"),
        (("service",), "service"),
        (("service", "chat"), '"ch\\u0061t"'),
        (("service", "chat", "x", "y"), "y"),
        (("list",), "list"),
        (("list", 1, "k"), "k"),
    ]:
        start, end = places.key(path)
        assert TEXT[start:end] == written


def test_what_is_not_written_is_where_it_would_belong() -> None:
    places = Positions("a = 1\n[b]\nc = { d = 2 }\n")
    assert places.key(("b", "x")) == places.key(("b",))
    assert places.value(("b", "c", "x", 3)) == places.value(("b", "c"))
    assert places.key(("zzz",)) == (0, 0)


keys = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1)
scalars = st.one_of(st.integers(-99, 99), st.booleans(), st.text("ab\"'#]},=\\ ."))
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


def toml(value: Any) -> str:
    """A value as TOML, all in one line."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case list():
            return f"[ {', '.join(map(toml, value))} ]"
        case _:
            pairs = (f"{toml(key)} = {toml(item)}" for key, item in value.items())
            return f"{{ {', '.join(pairs)} }}"


@given(st.dictionaries(keys, values, max_size=4))
def test_any_value_is_found(data: dict[str, Any]) -> None:
    text = "".join(
        f"{toml(key)} = {toml(value)} # {key}\n" for key, value in data.items()
    )
    places = Positions(text)
    for path, value in leaves(data):
        start, end = places.value(path)
        assert text[start:end] == toml(value)
