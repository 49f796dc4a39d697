"""header.py: who made a file, and whether it is as it was made."""

from bossgen.header import (
    BLANK,
    COPIED,
    GENERATED,
    combined,
    is_intact,
    is_ours,
    runtime_digest,
    seal,
)

TEXT = f"{GENERATED}.\n# digest: {BLANK} runtime: 0123456789abcdef\nx = 1\n"


def test_ours_is_what_begins_as_ours() -> None:
    assert is_ours(TEXT)
    assert is_ours(f"{COPIED}.\n")
    assert not is_ours(f"\n{TEXT}")
    assert not is_ours("")


def test_a_seal_is_broken_by_any_edit() -> None:
    sealed = seal(TEXT)
    assert is_intact(sealed)
    assert sealed != TEXT
    for index in range(len(sealed)):
        assert not is_intact(f"{sealed[:index]}~{sealed[index + 1 :]}")
    assert not is_intact(f"{sealed}\n")
    assert not is_intact("")


def test_only_the_first_digest_counts() -> None:
    sealed = seal(f"{TEXT}# digest: {BLANK}\n")
    assert sealed.count(BLANK) == 1
    assert is_intact(sealed)


def test_text_that_is_no_unicode_can_be_looked_at() -> None:
    assert not is_intact(f"{TEXT}\udcff")


def test_the_digest_of_several_texts_knows_where_one_ends() -> None:
    assert combined(["ab", "c"]) != combined(["a", "bc"])
    assert combined(["a", "b"]) != combined(["b", "a"])


def test_the_router_says_what_runtime_it_was_written_with() -> None:
    assert runtime_digest(TEXT) == "0123456789abcdef"
    assert runtime_digest("x = 1\n") == ""
