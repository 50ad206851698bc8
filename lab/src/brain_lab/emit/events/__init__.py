"""Kubernetes events as components of a cluster report them."""
