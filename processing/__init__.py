"""Batches in, findings out. No input or output, no clock, no random source: time and seed are arguments."""
