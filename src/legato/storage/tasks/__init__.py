"""What people are asked by workflows."""
