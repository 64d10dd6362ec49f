"""Turns a plan and a basemap into city files. Standard library only, nothing of it runs in the product."""
