"""What pages that stay open hear of: that something changed, and what it concerns."""
