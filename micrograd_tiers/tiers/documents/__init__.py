"""Ops of documents, sequences of tokens, in one file per tier: embeddings, normalization, attention and their loss."""
