"""What the processor behind a Collector sustains, costs and loses: real processes that share the cores of a machine."""
