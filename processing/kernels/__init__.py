"""The arithmetic, in Numba: plain functions on contiguous arrays. Meaning lives in rules and detectors."""
