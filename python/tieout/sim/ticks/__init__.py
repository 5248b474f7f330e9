"""
Streamed ticks of the simulated gateway.

    event            what happens in an instrument's market, as a frame
    walk, file       where the events come from: a seeded random walk, a file
    market           an instrument's events, block by block, and how its market is set up
    wire             events to messages, a block at once
    cursor, pump     one client's place in each market, and what sends it what is due
    feed             what the gateway does to all of it: lines, a lost link, silence
    requests         what a client asks and cancels
    keys, plan       the scenario's `ticks` block
"""
