"""The programs whose logs the lab can write; one module each, all of them in `registry.py`."""
