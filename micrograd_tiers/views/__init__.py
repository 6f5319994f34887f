"""Pictures by subject: they know arrays and labels, nothing of nets, trainers or benchmarks."""
