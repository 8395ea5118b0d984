"""Error budgets: which requests count, how fast a budget burns, and when that is an alarm."""
