"""Why a formula is what it is, with small numbers that the oracle computes."""
