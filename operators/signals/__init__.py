"""Signals: log lines of programs that know nothing of kgents become pheromones."""
