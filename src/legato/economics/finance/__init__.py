"""From figures to a decision: assumptions, cash flows, profit and loss, and what scale does."""
