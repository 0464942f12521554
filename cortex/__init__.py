"""The Cortex daemon: resolves paths from a live mirror of the hive."""
