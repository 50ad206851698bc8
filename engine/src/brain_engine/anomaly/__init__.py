"""Detectors: how unusual is a series in the window, given its baseline."""
