"""A route's quality floor: what a comparison with the baseline proves, and what it allows."""
