"""Pure decisions: what can be observed, what can be done, and what should be."""
