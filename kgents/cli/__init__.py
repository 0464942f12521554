"""The command line: one small file per command group; parse, ask the glass, render."""
