"""The Model Context Protocol for assistants: incidents, causes and evidence of a running service, read only.

A client of the gRPC API like any other, in a process of its own: it can do what its credential may read, and has no
method that changes anything.
"""
