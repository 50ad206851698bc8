"""An evaluation as one page for people: no script, nothing from the Internet, readable in dark and light.

Geometry and words are made in Python, one file for each picture; the template only writes them down.
"""

from brain_lab.evaluate.report.render import render_report

__all__ = ["render_report"]
