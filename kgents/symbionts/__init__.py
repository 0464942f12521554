"""Sidecars that stand beside an agent's own container."""
