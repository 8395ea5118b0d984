"""Topics: what a text is about, by its nearness to examples."""
