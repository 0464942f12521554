"""Who is asking, and may they: keys, tokens, RBAC and the reviews that answer questions about both.

Nothing in here does I/O after start: objects come from callables of the server, from memory, so that a
decision costs microseconds.
"""
