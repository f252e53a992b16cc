"""The portable subset of SQL: what may be written, its types, and the reading that refuses the rest."""
