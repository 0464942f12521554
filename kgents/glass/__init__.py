"""The client that never goes blind: Cortex, then the ghost, then kubectl."""
