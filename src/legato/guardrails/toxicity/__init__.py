"""Whether texts attack people: classes of words and how they follow each other, linear."""
