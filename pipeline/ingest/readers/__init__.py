"""Readers: a file of an export becomes the temporary table `raw`, as it is. `read.py` is the door."""
