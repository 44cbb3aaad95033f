"""SM2 of GmSSL 3 through the wheel gmssl-pyx. JSON lines as of tongsuo-oracle.py; texts up to 255 bytes, the default user id only."""
import json
import sys

import gmssl_pyx as gmssl


def answer(request):
    operation = request["op"]
    public, secret = bytes.fromhex(request["public"])[1:], bytes.fromhex(request.get("secret", ""))
    if operation == "sign":
        return gmssl.sm2_sign(secret, public, bytes.fromhex(request["message"])).hex()
    if operation == "verify":
        return bool(gmssl.sm2_verify(public, bytes.fromhex(request["message"]), bytes.fromhex(request["signature"])))
    if operation == "encrypt":
        return gmssl.sm2_encrypt(public, bytes.fromhex(request["text"])).hex()
    if operation == "decrypt":
        return gmssl.sm2_decrypt(secret, bytes.fromhex(request["ciphertext"])).hex()
    raise ValueError("no such operation")


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            reply = {"result": answer(json.loads(line))}
        except (ValueError, gmssl.GmsslInnerError) as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)
