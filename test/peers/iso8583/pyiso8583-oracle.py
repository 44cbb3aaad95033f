"""pyiso8583 as a child: a line of JSON in, a line of JSON out.

{"op": "use", "elements": {"2": {"data_enc": "ascii", "len_enc": "ascii", "len_type": 2, "max_len": 19, ...}}, "text": "ascii" | "cp037"}
{"op": "encode", "elements": {"t": "0200", "2": ...}} -> hex
{"op": "decode", "message": hex} -> elements
"""
import copy
import json
import sys

import iso8583
import iso8583.specs

spec = {}


def answer(question):
    global spec
    if question["op"] == "use":
        spec = copy.deepcopy(iso8583.specs.default)
        spec["t"]["data_enc"] = question["text"]
        for number, rules in question["elements"].items():
            spec[number] = {"desc": number, **rules}
        return True
    if question["op"] == "encode":
        raw, _ = iso8583.encode(dict(question["elements"]), spec)
        return raw.hex()
    decoded, _ = iso8583.decode(bytes.fromhex(question["message"]), spec)
    return {key: value for key, value in decoded.items() if key not in ("h", "p", "1")}


for line in sys.stdin:
    try:
        print(json.dumps({"result": answer(json.loads(line))}), flush=True)
    except (iso8583.DecodeError, iso8583.EncodeError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
