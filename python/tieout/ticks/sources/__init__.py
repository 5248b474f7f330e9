"""Ticks read from recordings and other programs' files: merged by time, replayed, checked."""
