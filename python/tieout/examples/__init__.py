"""Strategies to learn from: `STRATEGY: tieout.examples.ladder:Ladder`, `tieout.examples.breakout:Breakout`."""
