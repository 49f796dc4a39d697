"""The handlers, one file for each service: `bossgen add-service NAME` writes one."""
