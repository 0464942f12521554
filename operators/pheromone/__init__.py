"""The Pheromone operator: each one is deleted when it has evaporated, and not a moment is spent on it before."""
