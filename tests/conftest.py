"""What all tests share: options, signals, strictness about skips, and a stand-in for the generated services.py."""

import os
import signal
import sys
from collections.abc import Generator
from types import ModuleType
from typing import TypeVar

import pytest

# template/boss is imported as `boss` (pythonpath in pyproject.toml). Its __init__.py imports
# services.py, which is generated for each project; here nobody's services stand in for it.
sys.modules.setdefault("boss.services", ModuleType("boss.services"))

# Whoever runs the tests in the background, or by `nohup`, has these ignored, and so would the processes that they
# start: but some tests are about what these signals do.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

NO_SKIPS = os.environ.get("BOSSGEN_NO_SKIPS") == "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases",
        action="store_true",
        help="rewrite the expectations of tests/cases; read the diff afterwards",
    )


@pytest.fixture
def update_cases(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-cases"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where BOSSGEN_NO_SKIPS=1 (.ci/run), a test that skips has failed."""
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips as a whole."""
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which BOSSGEN_NO_SKIPS forbids: {report.longrepr}"
    return report
