"""D-gent, the memory sidecar: what one agent keeps, over HTTP on its pod's own loopback, in one SQLite file.

There is one beside every agent that asks for a memory, so it has to be small: the standard library alone, and of that
only what is needed at rest.
"""
