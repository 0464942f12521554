"""What a process tells of itself: whether it lives, whether it is ready, what it does, and how long that takes."""
