"""pytest reads this first; it lies here so that tests can import app, boss and src."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, as uvicorn runs the services."""
    return "asyncio"
