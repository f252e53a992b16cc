"""What Python computes of products: fits and tests over counts that SQL made."""
