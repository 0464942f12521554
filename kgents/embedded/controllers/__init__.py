"""The controllers a hive needs, as plain clients of the Kubernetes API."""
