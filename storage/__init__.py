"""TimescaleDB: schema, batch writer, log reader, snapshots, keys; what people write and what the API asks."""
