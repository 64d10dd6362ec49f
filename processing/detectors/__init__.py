"""One alarm kind a file."""
