"""`[server]` as it is in force, and the refusal of more than one process."""

from pathlib import Path

import pytest

from boss.runtime.configuration import (
    refuse_workers,
    server_settings,
    workers_asked_for,
)
from boss.runtime.errors import SettingsError


def test_defaults_without_a_file(tmp_path: Path) -> None:
    settings, origins = server_settings(tmp_path, {})
    assert (settings.host, settings.port) == ("127.0.0.1", 8001)
    assert set(origins.values()) == {"default"}


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "boss.toml").write_text(
        'app = "x"\n[server]\nport = 1\nhost = "::"\nmetrics = true\n'
    )
    environ = {"BOSS_PORT": "2", "BOSS_METRICS": "off", "BOSS_UNKNOWN": "x"}
    settings, origins = server_settings(tmp_path, environ)
    assert (settings.port, settings.host, settings.metrics) == (2, "::", False)
    assert origins["port"] == "BOSS_PORT"
    assert origins["host"] == "boss.toml"
    assert origins["compression"] == "default"


def test_a_byte_order_mark_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "boss.toml").write_text("[server]\nport = 1\n", "utf-8-sig")
    assert server_settings(tmp_path, {})[0].port == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("No", False)],
)
def test_words_for_yes_and_no(tmp_path: Path, text: str, value: bool) -> None:
    settings, _ = server_settings(tmp_path, {"BOSS_COMPRESSION": text})
    assert settings.compression is value


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("BOSS_PORT", "x", "BOSS_PORT must be a whole number, not 'x'"),
        ("BOSS_PORT", "1.5", "BOSS_PORT must be a whole number"),
        ("BOSS_PORT", "-1", "BOSS_PORT must be 0 to 65535"),
        ("BOSS_PORT", "65536", "BOSS_PORT must be 0 to 65535"),
        ("BOSS_MAX_CONNECTIONS", "-1", "must be 0 or more"),
        ("BOSS_COMPRESSION", "maybe", "must be true or false"),
    ],
)
def test_a_variable_that_cannot_be_used(
    tmp_path: Path, variable: str, text: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        server_settings(tmp_path, {variable: text})


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[server]\nport = 'x'", "boss.toml: .server. port must be a whole number"),
        ("[server]\nport = true", "must be a whole number"),
        ("[server]\nport = 70000", "must be 0 to 65535"),
        ("[server]\nmetrics = 1", "must be a true or false|must be true or false"),
        ("[server]\nhost = 1", "must be a string"),
        ("[server]\nprot = 1", "no key `prot`"),
        ("server = 1", "must be a table"),
        ("[server", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, toml: str, says: str) -> None:
    (tmp_path / "boss.toml").write_text(toml)
    with pytest.raises(SettingsError, match=says):
        server_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("arguments", "environ", "workers"),
    [
        ("/venv/bin/uvicorn app:app", {}, 1),
        ("/venv/bin/uvicorn app:app --workers 2", {}, 2),
        ("/venv/bin/uvicorn app:app --workers=3", {}, 3),
        ("/venv/bin/uvicorn app:app --workers 1", {"WEB_CONCURRENCY": "4"}, 1),
        ("/venv/bin/uvicorn app:app", {"WEB_CONCURRENCY": "4"}, 4),
        ("/venv/bin/uvicorn app:app", {"UVICORN_WORKERS": "4"}, 4),
        ("/venv/bin/uvicorn app", {"UVICORN_WORKERS": "1", "WEB_CONCURRENCY": "4"}, 1),
        ("/venv/bin/gunicorn app:app", {"UVICORN_WORKERS": "4"}, 1),
        ("/site-packages/uvicorn/__main__.py app:app --workers 2", {}, 2),
        ("/venv/bin/gunicorn app:app -w 4", {}, 4),
        ("/venv/bin/gunicorn app:app -w4", {}, 4),
        ("/venv/bin/hypercorn app:app --workers 2", {}, 2),
        ("/venv/bin/fastapi run --workers 2", {}, 2),
        ("/venv/bin/pytest --workers 8", {}, 1),
        ("/venv/bin/uvicorn app:app --workers", {}, 1),
        ("/venv/bin/uvicorn app:app", {"WEB_CONCURRENCY": "many"}, 1),
        ("", {}, 1),
    ],
)
def test_workers_asked_for(
    arguments: str, environ: dict[str, str], workers: int
) -> None:
    assert workers_asked_for(arguments.split(), environ) == workers


def test_more_than_one_worker_is_refused_with_the_reason() -> None:
    refuse_workers(["uvicorn", "--workers", "1"], {})
    with pytest.raises(SettingsError, match="2 worker processes.*one process"):
        refuse_workers(["uvicorn", "--workers", "2"], {})
