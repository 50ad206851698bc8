"""Tells what a recording did in the words of the other signals: logs, sampled traces, cost.

This is where the simulation's states become the records of `brain_lab.emit`; metrics have their own way,
`emit/metrics`. `emission.py` is the entry. A recording has thousands of requests a second: logs and traces are a
sample of a given size.
"""
