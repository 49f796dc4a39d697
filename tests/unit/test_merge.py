"""What becomes of a scaffolded file when the template moves on, case by case."""

import os
import shutil
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bossgen.merge import PENDING, Change, Update, compare

FILE = PurePosixPath("app.py")

BASE = b"one\ntwo\nthree\nfour\nfive\n"
MINE = b"one\ntwo\nthree\nfour\nFIVE\n"  # changes the end
NEW = b"ONE\ntwo\nthree\nfour\nfive\n"  # changes the beginning
CLASH = b"one\ntwo\nthree\nfour\n5\n"  # changes the end, too


def fate(
    base: bytes | None, mine: bytes | None, new: bytes | None, *, own: bool = False
) -> tuple[Change | None, bytes | None]:
    """What happens to one file, and what is recorded as written."""
    texts = [{} if text is None else {FILE: text} for text in (base, mine, new)]
    result = compare(texts[0], texts[1], texts[2], {FILE} if own else ())
    return (result.changes[0] if result.changes else None), result.base.get(FILE)


@pytest.mark.parametrize(
    ("base", "mine", "new", "recorded"),
    [
        pytest.param(BASE, BASE, BASE, BASE, id="nothing changed"),
        pytest.param(BASE, MINE, BASE, BASE, id="only the user changed it"),
        pytest.param(BASE, NEW, NEW, NEW, id="both made the same change"),
        pytest.param(BASE, None, NEW, NEW, id="deleted stays deleted"),
        pytest.param(BASE, None, None, None, id="gone on both sides"),
        pytest.param(None, NEW, NEW, NEW, id="new, and there already"),
    ],
)
def test_nothing_happens(
    base: bytes | None, mine: bytes | None, new: bytes | None, recorded: bytes | None
) -> None:
    assert fate(base, mine, new) == (None, recorded)


def test_an_untouched_file_follows() -> None:
    assert fate(BASE, BASE, NEW) == (Change(FILE, "updated", NEW), NEW)


def test_a_new_file_is_added() -> None:
    assert fate(None, None, NEW) == (Change(FILE, "added", NEW), NEW)


def test_a_file_of_the_users_with_the_name_of_a_new_one_is_left_and_not_followed() -> (
    None
):
    change, recorded = fate(None, MINE, NEW)
    assert change is not None
    assert (change.fate, change.content, recorded) == ("kept", None, None)


def test_an_untouched_file_that_left_the_template_is_deleted() -> None:
    assert fate(BASE, BASE, None) == (Change(FILE, "deleted"), None)


def test_an_edited_file_that_left_the_template_is_kept() -> None:
    change, recorded = fate(BASE, MINE, None)
    assert change is not None
    assert (change.fate, change.content, recorded) == ("kept", None, None)


def test_edits_in_different_places_merge() -> None:
    merged = b"ONE\ntwo\nthree\nfour\nFIVE\n"
    assert fate(BASE, MINE, NEW) == (Change(FILE, "merged", merged), NEW)


def test_edits_in_one_place_are_a_conflict_that_shows_all_sides() -> None:
    change, recorded = fate(BASE, MINE, CLASH)
    assert change is not None
    assert (change.fate, recorded) == ("conflict", CLASH)
    assert change.content == (
        b"one\ntwo\nthree\nfour\n<<<<<<< yours\nFIVE\n"
        b"||||||| written by bossgen\nfive\n=======\n5\n>>>>>>> bossgen\n"
    )


def test_an_edited_handler_is_never_merged() -> None:
    change, recorded = fate(BASE, MINE, NEW, own=True)
    assert change is not None
    assert (change.fate, change.content, recorded) == ("kept", None, NEW)
    assert fate(BASE, BASE, NEW, own=True) == (Change(FILE, "updated", NEW), NEW)


@pytest.mark.parametrize(
    ("mine", "expected"), [(BASE, NEW), (MINE, b"ONE\ntwo\nthree\nfour\nFIVE\n")]
)
def test_line_ends_of_windows_are_no_edit_and_stay(
    mine: bytes, expected: bytes
) -> None:
    change, _ = fate(BASE, mine.replace(b"\n", b"\r\n"), NEW)
    assert change is not None
    assert change.content == expected.replace(b"\n", b"\r\n")


def test_what_is_no_text_waits_for_the_user() -> None:
    change, recorded = fate(b"\0a", b"\0b", b"\0c")
    assert change is not None
    assert (change.fate, change.content, recorded) == ("unmerged", None, b"\0a")


@pytest.mark.parametrize("code", [0, 1, 128])
def test_a_git_that_does_not_work_is_no_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    stub = tmp_path / "git"  # as /usr/bin/git is on macOS without the developer tools
    stub.write_text(f"#!/bin/sh\necho no developer tools >&2\nexit {code}\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    why = "edited; no developer tools"
    assert fate(BASE, MINE, NEW) == (Change(FILE, "unmerged", why=why), BASE)


def test_without_git_what_needs_no_merge_follows_and_the_rest_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert shutil.which("git") is None
    assert fate(BASE, BASE, NEW) == (Change(FILE, "updated", NEW), NEW)
    change, recorded = fate(BASE, MINE, NEW)
    assert change is not None
    assert (change.fate, change.content, recorded) == ("unmerged", None, BASE)
    assert "git" in change.why


def test_what_is_kept_does_not_make_a_project_out_of_date() -> None:
    assert "kept" not in PENDING
    assert {"added", "updated", "merged", "conflict", "deleted", "unmerged"} == PENDING


def test_changes_are_sorted_by_path() -> None:
    paths = [PurePosixPath(name) for name in ("b", "a/c", "a")]
    result = compare({}, {}, dict.fromkeys(paths, NEW), ())
    assert [change.path for change in result.changes] == sorted(paths)


LINES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6).map(
    lambda lines: "".join(f"{line}\n" for line in lines).encode()
)


@settings(max_examples=60, deadline=None)
@given(
    base=st.none() | LINES, mine=LINES, new=st.none() | LINES, extra=st.integers(0, 6)
)
def test_no_line_of_the_users_is_ever_lost(
    base: bytes | None, mine: bytes, new: bytes | None, extra: int
) -> None:
    """A line that only the user wrote stands in whatever is there afterwards."""
    lines = mine.splitlines(keepends=True)
    lines.insert(min(extra, len(lines)), b"mine alone\n")
    change, _ = fate(base, b"".join(lines), new)
    if change is None or change.content is None:
        assert change is None or change.fate in ("kept", "unmerged")
    else:
        assert b"mine alone\n" in change.content


@settings(max_examples=60, deadline=None)
@given(base=st.none() | LINES, mine=st.none() | LINES, new=st.none() | LINES)
def test_a_second_update_has_nothing_left_to_do(
    base: bytes | None, mine: bytes | None, new: bytes | None
) -> None:
    change, recorded = fate(base, mine, new)
    after = mine
    if change is not None and change.fate == "deleted":
        after = None
    elif change is not None and change.content is not None:
        after = change.content
    again, kept = fate(recorded, after, new)
    assert again is None or again.fate == "kept"
    assert kept == recorded


def test_an_update_is_a_value() -> None:
    assert compare({}, {}, {}, ()) == Update((), {})
