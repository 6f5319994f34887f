"""Ops of documents, which are sequences of tokens: one file per tier, the same ops in each."""
