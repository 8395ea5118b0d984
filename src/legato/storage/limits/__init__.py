"""Counters of budgets, rates and slots, and who has leased what of them."""
