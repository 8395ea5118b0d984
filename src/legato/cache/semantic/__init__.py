"""The semantic cache's entries: in partitions, found by what they mean, shared and persistent."""
