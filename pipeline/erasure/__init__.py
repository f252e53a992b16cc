"""Erasure: a person is forgotten, wherever a home holds them, and proof is left that says nothing of who it was; and
objections, whose time runs as well.
"""
