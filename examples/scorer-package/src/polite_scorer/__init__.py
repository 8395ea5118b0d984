"""A Legato scorer that looks for words of courtesy."""
