"""
The simulated gateway: a TWS on the real wire protocol, for those who have no IB account at hand.

    serve, run_in_thread, SimOptions    run one                        serve.py
    gateway, session                    clients, handshake, dispatch
    requests, trading, matching         what is answered, what becomes of orders
    layout*, messages, incoming, codec  the wire
    world                               what the broker holds
    scenario*                           the world from YAML
    book, book_world, invent            the world from an order book
    drift, plant, truth                 differences planted in it, and what a correct plan says
    ticks/                              market data that streams
    faults, conduct                     what it may do wrong, and how it does it
    fault_rules, lane                   faults of single messages
    fault_keys, scenarios/              both in YAML; what went wrong for others, one story a file
"""

from __future__ import annotations

from tieout.sim.serve import RunningSim, SimOptions, build_gateway, run_in_thread, serve

__all__ = ["RunningSim", "SimOptions", "build_gateway", "run_in_thread", "serve"]
