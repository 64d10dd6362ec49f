"""How traffic flows: figures by lane and minute, levels of service, section times, what detectors watch."""
