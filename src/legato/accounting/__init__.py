"""The books: what periods hold, what others say was used, who bears it."""
