"""The words: money, usage, ids, clock, errors, chat types, configuration types. No I/O."""
