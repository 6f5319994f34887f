"""Further losses, and dropout: one file per tier, the same functions in each."""
