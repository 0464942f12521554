"""A small asynchronous client of the Kubernetes API: kubeconfig, requests, informers."""
