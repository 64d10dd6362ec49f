"""One file a claim: what something costs, against what it is compared with."""
