"""Schemas: built-in OpenAPI, structural validation, defaulting, pruning and CEL rules."""
