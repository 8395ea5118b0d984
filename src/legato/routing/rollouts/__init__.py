"""The mathematics of rollouts: what was observed, what it proves, what to do next."""
