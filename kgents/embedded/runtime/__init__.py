"""The process runtime: a node whose pods are local processes."""
