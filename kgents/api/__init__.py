"""The vocabulary of kgents: kinds, physics, rows, paths and errors. No I/O, standard library only."""
