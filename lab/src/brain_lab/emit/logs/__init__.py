"""Log lines as the programs of a platform write them, and the ways they leave it: files, OTLP, Forward."""
