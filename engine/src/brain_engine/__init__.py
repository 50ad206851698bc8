"""The judgement, pure: arrays and graphs in, findings and ranked causes out; no I/O."""
