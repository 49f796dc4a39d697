"""The files of `new --data deploy=...`, each tried as far as a machine of our own can try it."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import yaml
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bossgen import scaffold
from tests.e2e.support import environment, run, serving

pytestmark = pytest.mark.e2e

PYTHON = Path(sys.executable)
ALL = {"deploy": "docker,nginx,systemd,github"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deployed") / "shop"
    scaffold.new(root, base_url="/live", services=["chat"], data=ALL)
    return root


def program(name: str) -> str:
    """Where a program of the system is; the test skips when it is nowhere."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"there is no {name}: apt-get install nginx-light systemd")
    return found


@pytest.mark.parametrize(
    ("chosen", "files"),
    [
        ("", set()),
        ("docker", {"Dockerfile", ".dockerignore", "compose.yaml"}),
        ("nginx", {"deploy/nginx.conf"}),
        ("systemd", {"deploy/myapp.service"}),
        ("github", {".github/workflows/check.yml"}),
        ("nginx, systemd", {"deploy/nginx.conf", "deploy/myapp.service"}),
    ],
)
def test_only_what_was_chosen_is_written(
    tmp_path: Path, chosen: str, files: set[str]
) -> None:
    scaffold.new(tmp_path / "plain")
    scaffold.new(tmp_path / "chosen", name="myapp", data={"deploy": chosen})

    def written(name: str) -> set[str]:
        root = tmp_path / name
        return {
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.is_file() and ".bossgen" not in path.relative_to(root).parts
        }

    assert written("chosen") - written("plain") == files


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def nginx(site: str, folder: Path) -> Iterator[None]:
    """nginx with one site, without root and without leaving anything outside `folder`."""
    command = program("nginx")
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}include {folder}/site.conf; }}\n"
    )
    arguments = [command, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run(
        [*arguments, "-t"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    (folder / "pid").unlink(missing_ok=True)  # the check leaves an empty one
    with subprocess.Popen(arguments) as process:
        try:
            while not (folder / "pid").exists():  # written once it listens
                assert process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.01)
            yield
        finally:
            process.send_signal(signal.SIGQUIT)


def test_a_websocket_goes_through_nginx(project: Path, tmp_path: Path) -> None:
    site = (project / "deploy/nginx.conf").read_text()
    with serving(PYTHON, project, "fast") as server:
        front = free_port()
        for old, new in (
            ("server 127.0.0.1:8001;", f"server 127.0.0.1:{server.port};"),
            ("listen 80;", f"listen 127.0.0.1:{front};"),
        ):
            assert old in site
            site = site.replace(old, new)
        with nginx(site, tmp_path):
            with urlopen(f"http://127.0.0.1:{front}/live/", timeout=10) as page:
                assert b"<title>" in page.read()
            url = f"ws://127.0.0.1:{front}/live/websocket/chat"
            origin = f"http://127.0.0.1:{front}"
            with connect(url, origin=origin, proxy=None) as one:  # type: ignore[arg-type]
                one.send("through the proxy")
                assert one.recv(10) == "through the proxy"
            with (
                pytest.raises(InvalidStatus) as refusal,
                connect(url, origin="http://elsewhere.test", proxy=None),  # type: ignore[arg-type]
            ):
                pytest.fail("a page from elsewhere has been let in")
            assert refusal.value.response.status_code == 403


def test_nginx_waits_longer_than_the_server_pings(project: Path) -> None:
    site = (project / "deploy/nginx.conf").read_text()
    interval, timeout = 20, 20  # uvicorn's defaults, seconds
    assert "proxy_read_timeout 75s;" in site
    assert interval + timeout < 75


def test_systemd_has_nothing_to_say_about_the_unit(
    project: Path, tmp_path: Path
) -> None:
    unit = (project / "deploy/shop.service").read_text()
    python = "/srv/shop/.venv/bin/python"
    assert f"ExecStart={python} -m boss\n" in unit
    copy = tmp_path / "shop.service"
    copy.write_text(unit.replace(python, f'"{sys.executable}"'))
    said = run(program("systemd-analyze"), "verify", "--man=no", copy)
    assert said.stdout + said.stderr == ""


def dockerfile(project: Path, instruction: str) -> str:
    text = (project / "Dockerfile").read_text().replace("\\\n", " ")
    (line,) = (line for line in text.splitlines() if line.startswith(instruction))
    return line.removeprefix(instruction).strip()


def test_the_container_serves_and_its_health_check_sees_it(project: Path) -> None:
    """What the Dockerfile runs, run without Docker."""
    variables = dict(word.split("=") for word in dockerfile(project, "ENV").split())
    assert dockerfile(project, "CMD") == '["python", "-m", "boss"]'
    assert not dockerfile(project, "USER").startswith(("root", "0"))
    port = str(free_port())
    check = yaml.safe_load(dockerfile(project, "HEALTHCHECK").split("CMD", 1)[1])
    health = [str(PYTHON), *check[1:-1], check[-1].replace("8001", port)]
    run(*health, expect=1)
    with serving(
        PYTHON, project, "fast", env=variables | {"BOSS_PORT": port}
    ) as server:
        run(*health)
        assert "0.0.0.0" in server.log
        with pytest.raises(HTTPError, match="404"):
            urlopen(server.url("/live/boss/services.json"), timeout=10)


def test_the_compose_file_demands_a_secret_and_runs_one_of_it(project: Path) -> None:
    (service,) = yaml.safe_load((project / "compose.yaml").read_text())[
        "services"
    ].values()
    assert service["environment"]["BOSS_SECRET"].startswith("${BOSS_SECRET:?")
    assert service["deploy"]["replicas"] == 1
    assert service["ports"] == ["127.0.0.1:8001:8001"]


async def test_in_a_container_a_client_has_the_address_that_the_proxy_saw(
    project: Path,
) -> None:
    """Neither that of the bridge, nor one that the client made up."""
    compose = yaml.safe_load((project / "compose.yaml").read_text())
    (service,) = compose["services"].values()
    seen = []

    async def application(scope: Any, receive: object, send: object) -> None:
        seen.append(scope["client"][0])

    nothing: Any = None
    proxied = ProxyHeadersMiddleware(
        application, service["environment"]["FORWARDED_ALLOW_IPS"]
    )
    for bridge in ("172.17.0.1", "192.168.16.1"):
        scope: Any = {
            "type": "websocket",
            "client": (bridge, 40000),
            "headers": [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.9")],
        }
        await proxied(scope, nothing, nothing)
    assert seen == ["203.0.113.9", "203.0.113.9"]
    assert service["read_only"] is True


def test_a_build_context_has_what_the_server_needs(project: Path) -> None:
    ignored = (project / ".dockerignore").read_text().split()
    needed = {"app.py", "boss", "boss.toml", "src", "priv", "pyproject.toml"}
    assert not needed & set(ignored)


@pytest.mark.timeout(300)
def test_the_commands_of_the_workflow_pass(project: Path) -> None:
    text = (project / ".github/workflows/check.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["check"]["steps"]
    commands = {step["name"]: step["run"] for step in steps if "run" in step}
    assert "pip install . --group dev" in commands.pop("Install")
    assert "bossgen build --check" in " ".join(commands.values())
    path = f"{PYTHON.parent}:{os.environ['PATH']}"
    for command in commands.values():
        run("bash", "-e", "-c", command, cwd=project, env=environment(PATH=path))


@pytest.mark.timeout(300)
def test_the_workflow_fails_when_boss_is_out_of_date(project: Path) -> None:
    text = (project / ".github/workflows/check.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["check"]["steps"]
    (command,) = (
        step["run"]
        for step in steps
        if "--check" in step.get("run", "") and "bossgen" in step["run"]
    )
    path = f"{PYTHON.parent}:{os.environ['PATH']}"
    router = project / "boss/router.py"
    before = router.read_bytes()
    router.write_bytes(before + b"\n# edited\n")
    try:
        words = shlex.split(command)
        done = run(*words, cwd=project, env=environment(PATH=path), expect=1)
        assert "boss/router.py" in done.stdout + done.stderr
    finally:
        router.write_bytes(before)
