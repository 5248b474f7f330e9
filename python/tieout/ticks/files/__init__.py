"""Recordings: ticks written to Parquet by day and instrument, kept, compacted and read back."""
