"""The kgents operators: kopf handlers, one folder per resource."""
