"""Further losses, and dropout: one file per tier, with the same ops in each."""
