"""Where template/ is, in a wheel or in a checkout, and what of it `build` needs."""

import os
from pathlib import Path, PurePosixPath

from .errors import BossgenError
from .model import Template


def template_root() -> Path:
    """The folder that holds project/, service/ and boss/.

    Raises:
        BossgenError: the installation is damaged.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / "template", here.parents[1] / "template"):
        if (candidate / "boss" / "router.py.jinja").is_file():
            return candidate
    raise BossgenError(
        "bossgen's templates are missing from this installation",
        "install it again: pip install --force-reinstall bossgen",
    )


def read_template() -> Template:
    """Read template/boss: what `build` renders, and what it copies byte for byte."""
    boss = template_root() / "boss"
    copied: dict[PurePosixPath, str] = {}
    rendered: dict[str, str] = {}
    for folder, folders, names in os.walk(boss):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for name in names:
            path = Path(folder, name)
            if name.startswith(".") or name.endswith((".pyc", ".pyo")):
                continue
            text = path.read_bytes().decode()
            if name.endswith(".jinja"):
                rendered[name] = text
            else:
                copied["boss" / PurePosixPath(*path.relative_to(boss).parts)] = text
    return Template(
        copied={path: copied[path] for path in sorted(copied)},
        router=rendered["router.py.jinja"],
        services=rendered["services.py.jinja"],
    )
