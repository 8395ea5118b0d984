"""Programs that keep secrets for us. They are asked by a process of its own, which ends."""
