"""dev.py, as far as no server is started; the rest is in tests/e2e/test_dev.py."""

from pathlib import Path

import pytest

from bossgen import scaffold
from bossgen.dev import dev
from bossgen.errors import BossgenError


def test_an_outcome_that_cannot_be_written_down_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    root = tmp_path / "shop"
    scaffold.new(root)
    (root / ".bossgen/dev.json").mkdir()
    before = sorted(root.rglob("*"))
    with pytest.raises(BossgenError, match=r"cannot write \.bossgen/dev\.json: Is a"):
        dev(root, lambda outcome, seconds: None, lambda line: None)
    assert sorted(root.rglob("*")) == before
