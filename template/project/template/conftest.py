"""pytest reads this first; it lies here so that tests can import app, boss and src."""

import os

import pytest

# What the tests run with beside boss.toml, in place of the BOSS_... that the shell has.
# Any value of [server] may stand here, such as BOSS_METRICS.
SETTINGS = {"BOSS_SECRET": "for the tests alone"}

for name in list(os.environ):
    if name.startswith("BOSS_"):
        del os.environ[name]
os.environ |= SETTINGS


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, as uvicorn runs the services."""
    return "asyncio"
