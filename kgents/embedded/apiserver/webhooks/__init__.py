"""Admission webhooks: judges outside the server, asked over HTTPS."""
