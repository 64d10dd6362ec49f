"""Database to people: REST, the live stream, reports; who may see what. Works through ports that `app` hands over."""
