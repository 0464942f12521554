"""Hives: where they live, how they come up, who keeps them alive."""
