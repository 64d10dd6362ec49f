"""One violation a file: limit, tolerance, evidence."""
