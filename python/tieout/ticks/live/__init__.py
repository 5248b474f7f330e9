"""The live feed: from the gateway's socket, with a connection of its own, to every consumer."""
