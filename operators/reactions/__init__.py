"""Reactions: agents are told when the strength of a type of pheromone crosses a threshold, either way."""
