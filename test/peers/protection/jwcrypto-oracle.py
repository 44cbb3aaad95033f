"""JWE of jwcrypto, an implementation of JOSE that knows nothing of FIM. JSON lines, binary values hex:
{"op": "encrypt" | "decrypt", "key", "data", "header"} -> {"result": hex, "header": object} or {"error": text}."""
import base64
import json
import sys

from jwcrypto import jwe, jwk


def answer(request):
    key = jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(bytes.fromhex(request["key"])).rstrip(b"=").decode())
    data = bytes.fromhex(request["data"])
    if request["op"] == "encrypt":
        token = jwe.JWE(data, json.dumps(request["header"]), recipient=key)
        return {"result": token.serialize(compact=True).encode().hex()}
    token = jwe.JWE()
    token.deserialize(data.decode(), key)
    return {"result": token.payload.hex(), "header": token.jose_header}


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except jwe.InvalidJWEData as error:
        reply = {"error": type(error).__name__}
    print(json.dumps(reply), flush=True)
