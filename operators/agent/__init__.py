"""The Agent operator: from one Agent, its Deployment, Service, ServiceAccount, Role, NetworkPolicy, Memory, Umwelt."""
