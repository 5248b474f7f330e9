"""
Gateway messages written down field by field from the documented layout, for server versions 157 to 178.

Neither the simulated gateway's layouts nor a library's decoder made these: the three check one another.
"""

from __future__ import annotations

import struct

ES = ("637533641", "ES", "FUT", "20250919", "0.0", "?", "50", "CME", "USD", "ESU5", "ES")
AAPL = ("265598", "AAPL", "STK", "", "0.0", "?", "", "SMART", "USD", "AAPL", "NMS")
"""Con id, symbol, type, expiry, strike, right, multiplier, exchange, currency, local symbol, trading class."""

UNSET = "1.7976931348623157E308"


def frame(*fields: object) -> bytes:
    """One message on the wire: length, then every field with a NUL after it."""
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def text_frame(piped: str) -> bytes:
    """A message written as `61|3|DU1|...`."""
    return frame(*piped.split("|"))


def open_order(version: int, contract: tuple[str, ...] = ES, **order: object) -> bytes:
    """openOrder. Keys of `order`: those of the defaults below."""
    o: dict[str, object] = {
        "order_id": 11, "client_id": 7, "perm_id": 1500000001, "account": "DU1", "action": "BUY", "size": "2",
        "type": "LMT", "limit": "6550.5", "aux": "0.0", "tif": "GTC", "oca": "", "ref": "trend-11",
        "parent": 0, "status": "Submitted",
    } | order  # fmt: skip
    head = [5, o["order_id"], *contract, o["action"], o["size"], o["type"], o["limit"], o["aux"], o["tif"], o["oca"],
            o["account"], "", 0, o["ref"], o["client_id"], o["perm_id"], 0, 0, 0, "", ""]  # fmt: skip
    financial_advisor = ["", "", ""] + ([""] if version < 177 else [])
    middle = [
        "", "", "", UNSET,  # model code, good till date, rule 80A, percent offset
        "", 0, "", -1, 0,  # settling firm, short sale slot, designated location, exempt code, auction strategy
        "", "", "", "", "",  # starting price, stock reference price, delta, stock range lower, upper
        0, 0, 0, 0, "", 3, 0, 0, "",  # display size, block, sweep, all-or-none, min size, oca type, 3 obsolete
        o["parent"], 0, "", 0, "", "",  # parent id, trigger, volatility, its type, delta neutral type and price
        0, "", "", "", "", "",  # continuous update, reference price type, trail stop, percent, basis points, type
        "", 0, 0, 0,  # combo legs description, legs, order legs, smart routing parameters
        "", "", "",  # scale: first size, next sizes, price increment
        "",  # hedge type
        0, "", "", 0, 0,  # opt out of smart routing, clearing account, intent, not held, delta neutral contract
        "",  # algo
        0, 0, o["status"],  # solicited, what-if
        UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET,  # margins
        "", "", "", "", "",  # commission, least, most, currency, warning
        0, 0, 0,  # randomize size, price, conditions
        "None", UNSET, "", UNSET, UNSET, UNSET, UNSET, 0,  # adjusted order
        "", "", "", UNSET, 0, 0, 0, 0,  # soft dollar tier, cash size, auto hedge, oms, up to limit, price management
    ]  # fmt: skip
    tail: list[object] = []
    if version >= 158:
        tail += [""]  # duration; ib_async and ib_insync read it from 159 on, and at 158 leave it over
    if version >= 160:
        tail += [""]  # post to ATS
    if version >= 162:
        tail += [0]  # auto cancel parent
    if version >= 170:
        tail += ["", "", "", "", ""]  # peg best, peg mid
    return frame(*head, *financial_advisor, *middle, *tail)


def completed_order(version: int, contract: tuple[str, ...] = ES, **order: object) -> bytes:
    """completedOrder. Keys of `order`: those of the defaults below."""
    o: dict[str, object] = {
        "perm_id": 1500000004, "account": "DU1", "action": "BUY", "size": "0", "type": "MKT", "limit": "0",
        "aux": "0", "tif": "DAY", "oca": "", "ref": "trend-9", "status": "Filled", "filled": "3",
        "parent_perm_id": "9223372036854775807", "time": "20250715 10:30:01 US/Eastern",
        "status_text": "Filled Size: 3",
    } | order  # fmt: skip
    head = [101, *contract, o["action"], o["size"], o["type"], o["limit"], o["aux"], o["tif"], o["oca"],
            o["account"], "", 0, o["ref"], o["perm_id"], 0, 0, 0, ""]  # fmt: skip
    financial_advisor = ["", "", ""] + ([""] if version < 177 else [])
    middle = [
        "", "", "", UNSET,  # model code, good till date, rule 80A, percent offset
        "", 0, "", -1,  # settling firm, short sale slot, designated location, exempt code
        "", "", "", "", "",  # starting price, stock reference price, delta, stock range lower, upper
        0, 0, 0, "", 3, 0,  # display size, sweep, all-or-none, min size, oca type, trigger method
        "", 0, "", "",  # volatility, its type, delta neutral type and aux price
        0, 0, "", "",  # continuous update, reference price type, trail stop, trail percent
        "", 0, 0, 0,  # combo legs description, legs, order legs, smart routing parameters
        "", "", "",  # scale
        "",  # hedge type
        "", "IB", 0, 0,  # clearing account, intent, not held, delta neutral contract
        "",  # algo
        0, o["status"], 0, 0, 0,  # solicited, status, randomize size, price, conditions
        "", UNSET, UNSET, 0, 0, "",  # trail stop, limit offset, cash size, auto hedge, oms, auto cancel date
        o["filled"], 0, 0, "", 0, 0,  # filled, futures con id, auto cancel parent, shareholder, imbalance, route
        o["parent_perm_id"], o["time"], o["status_text"],
    ]  # fmt: skip
    tail = ["", "", "", "", ""] if version >= 170 else []
    return frame(*head, *financial_advisor, *middle, *tail)


def order_status(**status: object) -> bytes:
    """orderStatus."""
    s: dict[str, object] = {
        "order_id": 11, "status": "Submitted", "filled": "0", "left": "2", "perm_id": 1500000001, "client_id": 7,
    } | status  # fmt: skip
    return frame(3, s["order_id"], s["status"], s["filled"], s["left"], 0, s["perm_id"], 0, 0, s["client_id"], "", 0)


def execution(version: int, req_id: object, contract: tuple[str, ...] = ES, **fill: object) -> bytes:
    """execDetails. Keys of `fill`: those of the defaults below."""
    f: dict[str, object] = {
        "order_id": 9, "exec_id": "0000e0d5.66a1b2c3.01.01", "time": "20250715 10:30:01 US/Eastern",
        "account": "DU1", "venue": "CME", "side": "BOT", "size": "1", "price": "6302.25", "perm_id": 1500000004,
        "client_id": 7, "cumulative": "1", "average": "6302.25", "ref": "trend-9",
    } | fill  # fmt: skip
    fields = [11, req_id, f["order_id"], *contract, f["exec_id"], f["time"], f["account"], f["venue"], f["side"],
              f["size"], f["price"], f["perm_id"], f["client_id"], 0, f["cumulative"], f["average"], f["ref"],
              "", "", "", 2]  # fmt: skip
    return frame(*fields, *([0] if version >= 178 else []))


def commission(exec_id: str, amount: str = "2.05", realized: str = UNSET) -> bytes:
    """commissionReport."""
    return frame(59, 1, exec_id, amount, "USD", realized, "", "")


def error(version: int, req_id: int, code: int, text: str) -> bytes:
    """error."""
    return frame(4, 2, req_id, code, text, *([""] if version >= 166 else []))


OPEN_ORDER_END = frame(53, 1)
COMPLETED_ORDERS_END = frame(102)
POSITION_END = frame(62, 1)
SERVER_TIME_S = 1752606307
SERVER_TIME = text_frame(f"49|1|{SERVER_TIME_S}")


def execution_end(req_id: object) -> bytes:
    """execDetailsEnd."""
    return frame(55, 1, req_id)


# From a recorded gateway session at server version 173.
POSITION_AAPL = text_frame("61|3|DU1|265598|AAPL|STK||0.0|||NASDAQ|USD|AAPL|NMS|-110|201.8829709")
POSITION_ES = text_frame("61|3|DU1|637533641|ES|FUT|20250919|0.0||50||USD|ESU5|ES|1|315114.75")
