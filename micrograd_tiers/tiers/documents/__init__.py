"""Ops of documents, which are sequences of tokens: one file per tier."""
