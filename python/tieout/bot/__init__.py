"""
The running bot, behind `tieout.app`.

    live          the loop: connect, listen, reconcile, tell the strategy, end
    reconciling   one reconcile after another, each with the gate closed
    line          the one connection, and lending it
    schedule      when the next reconcile is due, how long to wait before the next attempt
    standing      how things stand: what the gate asks for, and status/bot.json
    strategist    the strategy, in a thread of its own
    loading       `STRATEGY: module:Class`
"""
