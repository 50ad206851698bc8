"""The dependency graph: who needs whom."""
