"""The folder .bossgen/: what was asked, and every scaffolded file as it was written. No path of a machine is in it.

The copies in .bossgen/base/ are what `update` compares with. There is one file for each, and not one archive, so that
two branches that add services do not conflict.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from . import __version__, place
from .errors import BossgenError
from .merge import Contents

RECORDS: Final = PurePosixPath(".bossgen")
PROJECT: Final = RECORDS / "project.json"
SERVICES: Final = RECORDS / "services"
BASE: Final = RECORDS / "base"
SUFFIX: Final = ".base"  # so that no linter or test runner takes the copies for code


def as_base(files: Contents) -> Contents:
    """The copies to keep of these files, as they are written."""
    return {
        _copy(path): content
        for path, content in files.items()
        if RECORDS not in path.parents
    }


def base(root: Path) -> Contents:
    """The copies that are kept, keyed by the paths of the originals."""
    folder = root / BASE
    return {
        path.parent / path.name.removesuffix(SUFFIX): (folder / path).read_bytes()
        for path in place.listing(folder)
    }


def record(root: Path, path: PurePosixPath, written: Contents) -> None:
    """Bring the copy of one file to what was written last; without that, remove it."""
    if path in written:
        place.write(root / _copy(path), written[path])
    else:
        place.remove(root / _copy(path), root)


def answers(path: Path) -> Mapping[str, Any]:
    """The answers that an earlier run has written down.

    Raises:
        BossgenError: they are not there, or not what was written.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BossgenError(
            f"{path} cannot be read: {reason}",
            "it says what the project was made from; restore it from version control",
        ) from error
    if not isinstance(found, dict):
        raise BossgenError(
            f"{path} is not what bossgen wrote", "restore it from version control"
        )
    return found


def asked(answers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answers without what Copier notes beside them."""
    return {key: value for key, value in answers.items() if not key.startswith("_")}


def refuse_newer(version: str) -> None:
    """Refuse to take a project back to an older template, as a colleague with an older bossgen would.

    Raises:
        BossgenError: `version` is newer than this one.
    """
    if _numbers(version) > _numbers(__version__):
        raise BossgenError(
            f"this project was written by bossgen {version}, and this is {__version__}",
            "pip install --upgrade bossgen",
        )


def _copy(path: PurePosixPath) -> PurePosixPath:
    return BASE / path.parent / (path.name + SUFFIX)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:3])
