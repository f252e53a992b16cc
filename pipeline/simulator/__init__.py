"""A synthetic shop whose truth is known: its exports as a shop would send them, and beside them what is true of it.

`shop` says what can be chosen, `customers` draws who buys when and for how much, `queries` makes rows of it in SQL and
`writing` the files. What belongs here: inventing. What does not: anything a run uses on real exports; the models'
worlds without a shop around them are in `pipeline.models.simulation`.
"""
