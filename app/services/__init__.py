"""The real servers beside the product: TimescaleDB and Mosquitto, and the supervisor over everything."""
