"""What could be spent better: findings with their worth, and what each rests on."""
