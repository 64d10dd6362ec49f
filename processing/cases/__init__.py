"""Cases of suspected violations, and the trust gate that makes violations of them."""
