"""What the hive remembers: an append-only log on disk, and the state that it adds up to in memory."""
