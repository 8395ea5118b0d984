"""Embedders: texts to unit vectors, for the semantic cache and the learned router."""
