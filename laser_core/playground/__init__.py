"""Sampling for the Playground page, in a process of its own that holds the models."""
