"""What Python computes, from grouped statistics, one folder per topic."""
