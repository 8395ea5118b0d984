"""What agents noted, and how far the confidence of nodes may be believed."""
