"""Who asks, and may they: keys, tokens, RBAC and the review resources."""
