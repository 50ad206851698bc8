"""Rankers: from findings and dependencies to causes."""
