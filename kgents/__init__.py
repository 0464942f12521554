"""kgents: a body for LLM agents, on Kubernetes."""

__version__ = "0.1.0"
