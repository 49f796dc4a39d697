"""Every test that takes `way` runs on the plain path and on the fast path."""

import pytest

from tests.e2e.support import WAYS


@pytest.fixture(scope="session", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)
