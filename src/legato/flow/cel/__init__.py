"""The Common Expression Language, with loops, evaluated under a bound that can't be passed.

`syntax.py` has the tree, `reading.py` makes one of text, `references.py` says what it reads,
`running.py` works it out, `functions.py` has what can be called, `bound.py` counts.

Why not the library that routing rules use: its lists are copied for every element that a loop
adds (10,000 elements through `map(a, a)`: 26 s), a loop under way can't be stopped, and it doesn't
say which fields are read. See docs/adr/0012-expressions-with-a-bound.md.
"""
