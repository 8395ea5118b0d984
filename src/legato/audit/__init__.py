"""The audit log as mathematics: events, Merkle trees, proofs, signed checkpoints."""
