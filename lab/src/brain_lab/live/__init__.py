"""A simulated platform in real time: `brain lab run --live`.

The past goes into a real Prometheus as blocks, then every scrape is sent to it at its time, its rules fire, and
whoever listens to its alerts takes part. `session.live` is the entry.
"""
