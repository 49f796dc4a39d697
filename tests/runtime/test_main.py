"""What `python -m boss` decides before it serves."""

import pytest
import uvicorn

import boss.__main__ as main
from boss.runtime.errors import SettingsError


def test_the_fast_path_is_taken_on_the_versions_it_is_written_for() -> None:
    assert main._protocol() == main.PROTOCOL


@pytest.mark.parametrize(
    ("module", "attribute", "name"),
    [(uvicorn, "__version__", "uvicorn"), (main, "websockets_version", "websockets")],
)
def test_another_version_is_served_on_the_plain_path_with_a_warning(
    module: object,
    attribute: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, attribute, "99.1")
    assert main._protocol() == "auto"
    warning = capsys.readouterr().err
    assert name in warning
    assert "99.1" in warning
    assert "plain path" in warning


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
def test_a_host_that_has_no_name_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=f"cannot listen on {host} port 0: "):
        main._listen(host, 0)
