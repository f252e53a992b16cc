"""From export files to staging tables: readers, sources, load, inspection."""
