"""locate.py: template/ is found, and read as it is shipped."""

from pathlib import Path, PurePosixPath

import pytest

from bossgen import locate
from bossgen.errors import BossgenError


def test_the_template_of_a_checkout_is_found() -> None:
    root = locate.template_root()
    assert {"project", "service", "boss"} <= {path.name for path in root.iterdir()}


def test_a_damaged_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "__file__", str(tmp_path / "a/b/locate.py"))
    with pytest.raises(BossgenError, match="templates are missing") as caught:
        locate.template_root()
    assert "install it again" in caught.value.hint


def test_what_is_cached_is_no_part_of_the_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = tmp_path / "template" / "boss"
    for name in (
        "router.py.jinja",
        "services.py.jinja",
        "__init__.py",
        "__main__.py",
        "runtime/b.py",
        "runtime/a.py",
        "runtime/__pycache__/a.pyc",
        "runtime/a.pyc",
        ".ruff_cache/x.py",
        ".hidden.py",
    ):
        (boss / name).parent.mkdir(parents=True, exist_ok=True)
        (boss / name).write_text(f"{name}\r\n", newline="")
    monkeypatch.setattr(locate, "__file__", str(tmp_path / "locate.py"))
    template = locate.read_template()
    assert list(template.copied) == [
        PurePosixPath("boss", name)
        for name in ("__init__.py", "__main__.py", "runtime/a.py", "runtime/b.py")
    ]
    assert template.copied[PurePosixPath("boss/__init__.py")] == "__init__.py\r\n"
    assert template.router == "router.py.jinja\r\n"
    assert template.services == "services.py.jinja\r\n"
