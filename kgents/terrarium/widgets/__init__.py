"""What stands on the screens, one file for each."""
