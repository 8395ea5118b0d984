"""Tells people what happened: what there is to tell, who is told, by which channel."""
