"""What a change is, how much could go wrong with it, and what is remembered of it. Pure: no clock, no I/O."""
