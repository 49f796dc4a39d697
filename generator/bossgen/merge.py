"""What becomes of each scaffolded file when the template has moved on: decided per file, from three texts.

`base` is the file as bossgen wrote it, `mine` as the user has it now, `new` as the installed template has it. Whoever
changed a file alone wins; where both did, `git merge-file` puts the two together. Nothing of the user's is dropped.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias

Contents: TypeAlias = Mapping[PurePosixPath, bytes]
"""Keyed by path relative to the project root."""

Fate: TypeAlias = Literal[
    "added", "updated", "merged", "conflict", "deleted", "kept", "unmerged"
]

PENDING: Final = frozenset(
    ("added", "updated", "merged", "conflict", "deleted", "unmerged")
)
"""What makes a project out of date; a file that is kept as it is does not."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one file."""

    path: PurePosixPath
    fate: Fate
    content: bytes | None = None  # what to write: there when added, updated, merged
    why: str = ""  # for the reader: "edited, and no longer in the template"


@dataclass(frozen=True, slots=True)
class Update:
    """What happens to all files."""

    changes: tuple[Change, ...]  # sorted by path
    base: Contents  # what to record as written, for the next time


def compare(
    base: Contents, mine: Contents, new: Contents, own: Collection[PurePosixPath]
) -> Update:
    """Decide for every file that is or was in the template.

    Args:
        base: the scaffolded files as they were written.
        mine: the same paths, as far as they exist now.
        new: the scaffolded files of the installed template.
        own: those that are the user's once edited, handlers and their tests: they follow while untouched, and are
            never merged.
    """
    changes: list[Change] = []
    record: dict[PurePosixPath, bytes] = {}
    for path in sorted({*base, *new}):
        before, after = base.get(path), new.get(path)
        change = _decide(path, before, mine.get(path), after, own=path in own)
        if change is not None:
            changes.append(change)
        remembered = (
            before if change is not None and change.fate == "unmerged" else after
        )
        # A file of the user's own that happens to bear the name of a new one is not ours to follow.
        stranger = before is None and change is not None and change.fate == "kept"
        if remembered is not None and not stranger:
            record[path] = remembered
    return Update(tuple(changes), record)


def _decide(
    path: PurePosixPath,
    before: bytes | None,
    now: bytes | None,
    after: bytes | None,
    *,
    own: bool,
) -> Change | None:
    """What happens to one file; None when nothing does."""
    if now is None:
        # What the user has deleted stays deleted.
        return Change(path, "added", after) if before is None else None
    crlf = b"\r\n" in now
    if crlf:
        now = now.replace(b"\r\n", b"\n")
    if after in (before, now):
        return None
    if after is None:
        if now == before:
            return Change(path, "deleted")
        return Change(path, "kept", why="edited, and no longer in the template")
    if before is None:
        return Change(path, "kept", why="yours; the template has one of that name now")
    if now == before:
        return Change(path, "updated", _ended(after, crlf=crlf))
    if own:
        return Change(path, "kept", why="edited; its template has changed")
    return _merge(path, before, now, after, crlf=crlf)


def _merge(
    path: PurePosixPath, before: bytes, now: bytes, after: bytes, *, crlf: bool
) -> Change:
    """Put together what the user and the template changed since `before`."""
    git = shutil.which("git")
    if git is None:
        return Change(path, "unmerged", why="edited; merging it needs git")
    with tempfile.TemporaryDirectory(prefix="bossgen-") as folder:
        texts = (("yours", now), ("written by bossgen", before), ("bossgen", after))
        command = [git, "merge-file", "-p", "--diff3"]
        for label, text in texts:
            (Path(folder) / label).write_bytes(text)
            command += ["-L", label]
        command += [label for label, _ in texts]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    # The exit code counts the conflicts; above 127 it is a failure, of which "not a text" is the likely one. A git that
    # does not work at all may fail with any code, as the stub of macOS does with 1, but shows no conflict; one that only
    # pretends to be git, as a link to `true` does, shows nothing.
    conflicts = 0 < done.returncode <= 127 and b"<<<<<<< yours" in done.stdout
    if not done.stdout or (done.returncode and not conflicts):
        said = done.stderr.decode(errors="replace").strip() or "git did not merge it"
        return Change(path, "unmerged", why=f"edited; {said}")
    fate: Fate = "conflict" if conflicts else "merged"
    return Change(path, fate, _ended(done.stdout, crlf=crlf))


def _ended(text: bytes, *, crlf: bool) -> bytes:
    """The text with the line ends that the user's file has."""
    return text.replace(b"\n", b"\r\n") if crlf else text
