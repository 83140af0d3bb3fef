"""A simulated archive with known truth: what the chain is shown, and what it must find."""
