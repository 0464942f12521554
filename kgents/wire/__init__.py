"""What Cortex and its clients say to each other: the protocol and its generated stubs."""
