"""Perennial: from a shop's transaction exports to knowledge about its customers, every night."""

__version__ = "0.1.0"
