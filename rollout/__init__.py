"""Turn the flags up through staging and production, and down with one toggle."""
