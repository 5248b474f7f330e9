"""Strategies to learn from: `STRATEGY: tieout.examples.ladder:Ladder`."""
