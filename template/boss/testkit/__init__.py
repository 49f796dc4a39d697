# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""What `boss.testing` is made of; a test imports from there.

testing -> table, clients -> world -> exploring, history, clock: each knows only what stands to its right.
"""
