"""Device families that speak something else than our format: one file a family, `families.py` lists them."""
