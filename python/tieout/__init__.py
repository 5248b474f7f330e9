"""tieout: ties an Interactive Brokers account out against a trading bot's own order book."""
