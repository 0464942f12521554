"""The screens and dialogs, one file for each."""
