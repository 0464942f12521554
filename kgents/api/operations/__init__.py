"""What each path does on the Kubernetes API, once: Cortex and the glass below it both carry these out.

An operation is a generator: it yields requests, is sent what the API answered, and returns rows. It knows no network,
no thread and no event loop; who carries it out does.

    rows = Runner(api).run(operation(call))          # the glass, one request after another
    rows = await drive(api, operation(call))         # Cortex
"""
