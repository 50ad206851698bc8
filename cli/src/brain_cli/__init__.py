"""The command line: the composition root, the only package that knows all the others."""
