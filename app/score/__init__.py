"""How well the engine finds what was planted: a simulated day with its truth, folded, compared by kind."""
