"""Who may call and how much: keys, limits, budgets, as each worker holds them in memory."""
