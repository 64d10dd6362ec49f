"""The city and the truth about it: traffic, weather, devices; recording and replay."""
