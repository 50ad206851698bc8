"""What all exporters share: settings, counters that survive, the listener, and how one is run."""
