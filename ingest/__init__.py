"""MQTT deliveries in, validated columnar batches out; plates normalised and sealed on the way."""
