"""The application starts, its services are well, and its page is served."""

from fastapi.testclient import TestClient

from app import app
from boss.router import base_url


def test_the_services_are_well() -> None:
    with TestClient(app) as client:
        answer = client.get(f"{base_url}/healthz")
    assert answer.status_code == 200
    assert all(
        service["state"] == "running" for service in answer.json()["services"].values()
    )


def test_the_page_is_served() -> None:
    with TestClient(app) as client:
        answer = client.get(f"{base_url}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
