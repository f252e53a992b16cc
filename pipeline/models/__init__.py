"""Models of customers: pure functions on arrays. What does not belong here: Dagster, files, SQL, ids of customers.

Customers come as groups: the models depend on a customer only through (x, t_x, T), so equal customers are fitted and
predicted once, with their number as weight. Symbols are those of the papers; time is in weeks.
"""
