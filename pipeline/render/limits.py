"""Limits that both the command line and the driver check. Imports nothing, so that `--help` stays fast."""

MAX_WORKERS_PER_GPU = 16
