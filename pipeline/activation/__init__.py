"""Activation: what leaves the warehouse for people and systems to use."""
