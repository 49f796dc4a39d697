"""What a class descends from, within its module, and in which order Python searches its bases."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TypeAlias

from .model import Class, Function, Meaning


def descends(class_: Class, base: str | Class) -> bool:
    """Whether the class provably descends from `base`, a dotted name or a class of the module, within the module."""
    return _descends(class_, base, {})


def _descends(class_: Class, base: str | Class, known: dict[Class, bool]) -> bool:
    if class_ not in known:
        known[class_] = any(
            bool(meanings)
            and all(
                meaning == base
                or (isinstance(meaning, Class) and _descends(meaning, base, known))
                for meaning in meanings
            )
            for meanings in map(_meant, class_.bases)
        )
    return known[class_]


def _meant(meanings: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
    """What a base may be, without the `object` that stands in where an import has failed."""
    return tuple(meaning for meaning in meanings if meaning != "builtins.object")


def lineage(class_: Class, base: str) -> tuple[Class | None, ...]:
    """The class and its bases in the order in which Python searches them; None for one that is not seen.

    `base` itself is left out; `overriding` tells where it stands.
    """
    order = _linearised(class_, base, {})
    return tuple(one for one in order if not isinstance(one, str))


def overriding(class_: Class, base: str) -> tuple[Class | None, ...]:
    """The part of the lineage that is searched before `base`, and so can override what that defines."""
    order = _linearised(class_, base, {})
    before = takewhile(lambda one: one != base, order)
    return tuple(one for one in before if not isinstance(one, str))


_Order: TypeAlias = tuple[Class | str | None, ...]


def _linearised(class_: Class, base: str, known: dict[Class, _Order]) -> _Order:
    """Source: Python, the C3 method resolution order."""
    if class_ in known:
        return known[class_]
    parents: list[_Order] = []
    direct: list[Class | str | None] = []
    for meanings in map(_meant, class_.bases):
        if not meanings:
            continue
        meaning = meanings[0] if len(meanings) == 1 else None
        if isinstance(meaning, Class):
            parents.append(_linearised(meaning, base, known))
            direct.append(meaning)
        elif meaning == base:
            parents.append((base,))
            direct.append(base)
        elif meaning not in {"typing.Generic", "typing.Protocol", "abc.ABC"}:
            parents.append((None,))
            direct.append(None)
    rest = _merge([list(parent) for parent in (*parents, direct)])
    known[class_] = (class_, *rest)
    return known[class_]


def _merge(sequences: list[list[Class | str | None]]) -> Iterator[Class | str | None]:
    while sequences := [sequence for sequence in sequences if sequence]:
        head = next(
            (
                sequence[0]
                for sequence in sequences
                if sequence[0] is None
                or not any(sequence[0] in other[1:] for other in sequences)
            ),
            sequences[0][0],  # Python refuses such bases; any order will do
        )
        yield head
        if head is None:  # two that are not seen may be two different classes
            next(sequence for sequence in sequences if sequence[0] is None).pop(0)
            for sequence in sequences:
                if sequence and sequence[0] is None:
                    sequence.pop(0)
                    break
        else:
            sequences = [
                [other for other in sequence if other is not head]
                for sequence in sequences
            ]


def leaves(
    classes: Sequence[Class], names: Mapping[str, tuple[Meaning, ...]], base: str
) -> tuple[Class, ...]:
    """The classes that descend from `base`, that no other extends, and that their name still leads to."""
    extended = {
        meaning
        for class_ in classes
        for meanings in class_.bases
        for meaning in meanings
    }
    found: list[Class] = []
    for class_ in classes:
        now = names.get(class_.node.name, ())
        replaced = class_ not in now and (
            not now or any(isinstance(one, Class | Function) for one in now)
        )
        if (
            class_ not in extended
            and not class_.typing_only
            and not replaced
            and descends(class_, base)
        ):
            found.append(class_)
    by_name = {class_.node.name: class_ for class_ in found}  # both sides of an `if`
    return tuple(by_name.values())
