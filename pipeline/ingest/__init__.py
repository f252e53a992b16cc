"""From export files to staging tables: readers, sources, loading, inspection."""
