"""Steps of what leaves: who is left alone."""
