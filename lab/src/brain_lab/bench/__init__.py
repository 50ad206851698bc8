"""Figures of the product, measured on the product itself: a service in a process of its own and real servers around it.

One file a bench; ``brain bench <name>`` calls them. Everything listens on loopback, load is bounded in count and in
time, and only processes that a bench started are ended, each by its own id. A bench reports what it saw; it fails only
when it could not measure.
"""
