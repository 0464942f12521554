"""Where an agent's container finds what the hive gives it: a folder for each, and the variable that names it."""

from __future__ import annotations

CONTAINER = "agent"
"""The name of the agent's own container."""

CONFIG_DIR = "/etc/kgents/config"
UMWELT_DIR = "/etc/kgents/umwelt"
UMWELT_FILE = f"{UMWELT_DIR}/umwelt.json"
REACTIONS_DIR = "/etc/kgents/reactions"
MEMORY_DIR = "/var/lib/kgents/memory"
"""In the memory sidecar alone."""
MEMORY_TOKEN_DIR = "/var/lib/kgents/memory-token"
MEMORY_TOKEN_FILE = f"{MEMORY_TOKEN_DIR}/token"
MEMORY_SETTINGS_DIR = "/etc/kgents/memory"
MEMORY_SETTINGS_FILE = f"{MEMORY_SETTINGS_DIR}/memory.json"

UMWELT_KEY = "umwelt.json"
MEMORY_SETTINGS_KEY = "memory.json"
CONFIG_PREFIX = "config."
REACTION_PREFIX = "reaction."
"""All files come from one ConfigMap of the agent's name; the prefix of a key says which folder it belongs to."""


def config_key(name: str) -> str:
    return CONFIG_PREFIX + name


def reaction_key(file: str) -> str:
    """The ConfigMap key of a reaction's file. A key has at most 253 characters, prefix included."""
    from kgents.api.names import child_name

    return child_name(REACTION_PREFIX + file, longest=253)
