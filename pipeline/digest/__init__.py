"""The digest: the few sentences of a snapshot and the list of whom to act on, sent to the people who act."""
