"""Ops of documents, sequences of tokens: embeddings, normalization, attention, loss."""
