"""Where evidence comes from: a catalogue of signals, read from Prometheus or from the lake."""
