"""What is held about people: where it lies, who was given all of it."""
