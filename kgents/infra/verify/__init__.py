"""Whether a hive works: a table of small checks, each in words, with the command that mends what it finds."""
