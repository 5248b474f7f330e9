"""From a plan to a file that waits, and from an operator's word to what was staged, once, or nothing."""
