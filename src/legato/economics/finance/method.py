"""How results say what was done: paragraphs, written as such in the code."""


def paragraphs(text: str) -> list[str]:
    """Return each paragraph of a text as one line."""
    return [" ".join(part.split()) for part in text.strip().split("\n\n")]
