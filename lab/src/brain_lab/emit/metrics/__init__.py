"""The metrics of a recording, with the names and labels that real exporters give them; one exporter a file.

`series` is all that others need, and `scrape_times`, on which all samples lie.
"""

from brain_lab.emit.metrics.scrape import SCRAPE_SECONDS, scrape_times
from brain_lab.emit.metrics.series import series

__all__ = ["SCRAPE_SECONDS", "scrape_times", "series"]
