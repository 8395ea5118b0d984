"""How well the learned router chooses, on answers whose quality is known."""
