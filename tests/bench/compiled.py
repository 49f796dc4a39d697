"""Programs in C, compiled once into a cache folder."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")


class NoCompiler(Exception):
    """There is no C compiler on the PATH."""


def compiler() -> str | None:
    """Return the path of a C compiler, or None."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def compiled(source: Path) -> Path:
    """Return the program of a source file, made anew only when that has changed."""
    cc = compiler()
    if cc is None:
        raise NoCompiler("there is no C compiler (cc) on the PATH")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"bossgen-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / f"{source.stem}-{digest}"
    if not program.exists():
        fresh = folder / f"{program.name}.{os.getpid()}"
        subprocess.run([cc, *FLAGS, "-o", fresh, source], check=True, timeout=120)
        fresh.rename(program)
    return program
