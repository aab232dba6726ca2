"""What the records mean: intervals, comparisons, gates. Reads records, trains nothing."""
