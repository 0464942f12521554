"""Figures for the budgets of the design, each side by side with its peer in the same run. Never run as tests."""
