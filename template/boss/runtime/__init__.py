# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The runtime of a bossgen project: services, their clients, and the way between them."""
