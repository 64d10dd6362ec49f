"""Alarms of what detectors report: their life after ISA-18.2, plans, outages of places, floods."""
