"""An async client of the Kubernetes API: what kgents needs of one, and light enough to start with a command.

    config       which cluster, and as whom: kubeconfig files as kubectl reads them
    credentials  tokens, certificates and exec plugins, renewed as they age
    client       requests, watches and log streams
    informer     a local mirror of one resource, kept by list and watch
    queue        level-based controllers on top of it

Nothing is imported here: a command that only reads the kubeconfig must not pay for aiohttp.
"""
