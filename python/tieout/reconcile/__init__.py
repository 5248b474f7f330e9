"""From two sides of evidence to a plan: matching, differences, and what would repair them."""
