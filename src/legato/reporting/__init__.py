"""Pages for people who sign: documents of data, laid out by templates of this package."""
