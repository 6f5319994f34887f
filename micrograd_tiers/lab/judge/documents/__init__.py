"""Formulas and examples of the ops of documents."""
