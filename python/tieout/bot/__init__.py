"""
The running bot, behind `tieout.app`.

    live          the loop: connect, listen, reconcile, tell the strategy, end
    reconciling   one reconcile after another, each with the gate closed
    line          the one connection, and lending it
    schedule      when the next reconcile is due, how long to wait before the next attempt
    standing      how things stand: what the gate asks for, and status/bot.json
    strategist    the strategy, in a thread of its own
    strategy_gate the gate as the strategy holds it
    mailbox       what waits for the strategy: calls, and behind them the market
    backlog       what of the market is lost where it is too much, and how that is counted
    market        ticks and bars to calls of the strategy
    aside         threads that its coroutines wait for
    feeding       live ticks to files, bars and the strategy
    replaying     the same calls from a recording
    loading       `STRATEGY: module:Class`
"""
