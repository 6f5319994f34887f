"""Convolution, pooling and reshaping: one file per tier, with the same ops in each."""
