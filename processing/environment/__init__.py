"""Figures made of what stations measure: air, noise, rain and heat, by hour and by day."""
