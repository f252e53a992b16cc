"""What a home is and how it stays whole: its warehouse, locks, publishing, retention."""
