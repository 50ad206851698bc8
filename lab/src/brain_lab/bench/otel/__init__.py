"""What the processor behind a Collector sustains, costs and loses: all of it real processes on the cores of one machine."""
