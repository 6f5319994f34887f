"""Pictures, one module per subject; they take arrays and labels, not nets, trainers or benchmarks."""
