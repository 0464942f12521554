"""The Proposal operator: a change is tried, scored, decided, merged, watched, and taken back if the agent sickens."""
