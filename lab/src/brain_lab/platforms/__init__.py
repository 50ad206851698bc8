"""The simulated platforms as data: who calls whom, with how much of what, and what was promised about it.

Nothing here runs. `simulate` plays a platform, `emit` writes what it would have shown.
"""
