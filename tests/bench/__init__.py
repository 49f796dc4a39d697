"""The benchmarks: bossgen beside the servers that people would otherwise use.

`./dev bench` or `python -m tests.bench` runs them; `--help` names the works. Everything is
measured in one run: the server on one core, the load client (`load.c`) on another, the
servers in turn, round after round, so that whatever else the machine does strikes them all.
The figure to look at is the CPU time of the server for each message in its best round: it
depends far less on the neighbours than the rate does, and they only ever add to it. All
ratios are to `base`, a bare ASGI callable; above 1 is faster.

Django Channels and python-socketio take part when they are installed:
`pip install -r tests/bench/requirements.txt`.
"""
