"""How well each deployment would answer a request, learned from answers that were judged."""
