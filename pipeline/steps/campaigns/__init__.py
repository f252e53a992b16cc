"""What Python computes of campaigns: curves and tests over counts that SQL made."""
