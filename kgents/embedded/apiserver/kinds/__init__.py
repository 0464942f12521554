"""What is particular about the built-in kinds, and the table of them all."""
