"""The control loops that a hive's resources need, as plain clients of the API.

Each looks at all state and makes it so; events are only a hint to look. What is decided stands in pure functions on
plain dictionaries (`rollout`, `replicas`, `graph`, `endpoint_sets`); what is done stands beside it, one file a loop.
"""

from kgents.embedded.controllers.manager import run

__all__ = ["run"]
