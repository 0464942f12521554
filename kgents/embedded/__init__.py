"""Kubernetes on a laptop: an API server, its controllers and a process runtime."""
