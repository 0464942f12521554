"""How full memories are, and what else is true of them."""
