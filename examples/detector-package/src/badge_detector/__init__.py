"""A Legato detector that looks for the numbers of staff badges."""
