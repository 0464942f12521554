"""The MCP server: what language models ask of a hive, and propose to it, through the glass and nothing else."""
