"""The metrics of a recording, with the names and labels that real exporters give them; one exporter a file.

`series` is all that others need.
"""

from brain_lab.emit.metrics.series import series

__all__ = ["series"]
