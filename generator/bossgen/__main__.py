"""`python -m bossgen`."""

from .cli import app

app(prog_name="bossgen")
