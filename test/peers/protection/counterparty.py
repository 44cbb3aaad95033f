"""A counterparty of FIM, from the READMEs of the filters alone: wire profiles and signatures, with the ciphers of `tongsuo` or `gmssl` (the argument).
JSON lines in and out, binary values hex: {"op": "protect" | "unprotect" | "sign" | "verify", ...} -> {"result": hex or bool} or {"error": "form" | "tag" | "sm2"}.
SM2 ciphertexts are ASN.1. `contentKey` stands for the key of an envelope that somebody else unwrapped."""
import base64
import importlib.util
import json
import os
import secrets
import sys

spec = importlib.util.spec_from_file_location("ciphers", os.path.join(os.path.dirname(__file__), f"{sys.argv[1]}-ciphers.py"))
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)

GCM = {"SM4-GCM": "sm4_gcm", "AES-256-GCM": "aes_256_gcm", "SM2-ENVELOPE": "sm4_gcm"}
MAC = {"SM4-CBC-HMAC-SM3": "sm4_cbc", "SM4-CTR-HMAC-SM3": "sm4_ctr"}
ENC = {"AES-256-GCM": "A256GCM", "SM2-ENVELOPE": "SM4-GCM"}


class Refused(Exception):
    """Not a genuine message of the agreed form."""


def refuse_unless(good, why):
    if not good:
        raise Refused(why)


def code(algorithm, key, aad, iv, ciphertext):
    mac_key = peer.hkdf(key, f"fim {algorithm} mac".encode(), 32)
    return peer.hmac(mac_key, aad + iv + ciphertext + (8 * len(aad)).to_bytes(8, "big"))


def seal(algorithm, key, aad, text):
    if algorithm in GCM:
        iv = secrets.token_bytes(12)
        return (iv, *peer.gcm_seal(GCM[algorithm], key, iv, aad, text))
    iv = secrets.token_bytes(16)
    ciphertext = peer.crypt(MAC[algorithm], peer.hkdf(key, f"fim {algorithm} encrypt".encode(), 16), iv, text, True)
    return iv, ciphertext, code(algorithm, key, aad, iv, ciphertext)


def open_sealed(algorithm, key, aad, iv, ciphertext, tag):
    sizes = (12, 16) if algorithm in GCM else (16, 32)
    refuse_unless((len(iv), len(tag)) == sizes, "form")
    if algorithm in GCM:
        try:
            return peer.gcm_open(GCM[algorithm], key, iv, aad, ciphertext, tag)
        except ValueError as error:
            raise Refused("tag") from error
    refuse_unless(secrets.compare_digest(code(algorithm, key, aad, iv, ciphertext), tag), "tag")
    return peer.crypt(MAC[algorithm], peer.hkdf(key, f"fim {algorithm} encrypt".encode(), 16), iv, ciphertext, False)


def unwrap(terms, wrapped):
    try:
        return peer.sm2_decrypt(terms["public"], terms["key"], wrapped)
    except ValueError as error:
        raise Refused("sm2") from error


def content_key(terms):
    """The key of a new message, and how it travels."""
    if terms["algorithm"] != "SM2-ENVELOPE":
        return bytes.fromhex(terms["key"]), b""
    key = secrets.token_bytes(16)
    return key, peer.sm2_encrypt(terms["public"], key)


def key_of(terms, wrapped):
    if "contentKey" in terms:
        return bytes.fromhex(terms["contentKey"])
    if terms["algorithm"] == "SM2-ENVELOPE":
        return unwrap(terms, wrapped)
    refuse_unless(wrapped == b"", "form")
    return bytes.fromhex(terms["key"])


def json_aad(terms, content_type):
    lines = ["fim-json", terms["algorithm"], terms["kid"], terms.get("context", "")]
    return "\n".join(lines + ([] if content_type is None else [content_type])).encode()


def unbase64(text):
    return base64.b64decode(text, validate=True)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact_members(terms, content_type):
    algorithm = terms["algorithm"]
    members = {"alg": "SM2" if algorithm == "SM2-ENVELOPE" else "dir", "enc": ENC.get(algorithm, algorithm), "kid": terms["kid"], "typ": "fim"}
    if "context" in terms:
        members["ctx"] = terms["context"]
    if content_type is not None:
        members["cty"] = content_type
    return members


def protect(terms, text, content_type):
    algorithm, profile = terms["algorithm"], terms["profile"]
    if algorithm == "SM2":
        return peer.sm2_encrypt(terms["public"], text)
    key, wrapped = content_key(terms)
    if profile == "fim-json":
        parts = seal(algorithm, key, json_aad(terms, content_type), text)
        message = {"alg": algorithm, "kid": terms["kid"]}
        if wrapped:
            message["ek"] = base64.b64encode(wrapped).decode()
        message.update({name: base64.b64encode(part).decode() for name, part in zip(("iv", "ct", "tag"), parts)})
        message.update({"ctx": terms["context"]} if "context" in terms else {})
        message.update({"cty": content_type} if content_type is not None else {})
        return json.dumps(message).encode()
    if profile == "compact":
        header = base64url(json.dumps(compact_members(terms, content_type)).encode())
        return ".".join([header, base64url(wrapped), *map(base64url, seal(algorithm, key, header.encode(), text))]).encode()
    return b"".join(seal(algorithm, key, b"", text))


def unprotect(terms, message):
    algorithm, profile = terms["algorithm"], terms["profile"]
    if algorithm == "SM2":
        return unwrap(terms, message)
    if profile == "fim-json":
        parts = json.loads(message)
        refuse_unless((parts["alg"], parts["kid"], parts.get("ctx")) == (algorithm, terms["kid"], terms.get("context")), "form")
        key = key_of(terms, unbase64(parts.get("ek", "")))
        return open_sealed(algorithm, key, json_aad(terms, parts.get("cty")), *(unbase64(parts[name]) for name in ("iv", "ct", "tag")))
    if profile == "compact":
        header, *rest = message.decode().split(".")
        wrapped, *sealed = map(unbase64url, rest)
        members = json.loads(unbase64url(header))
        refuse_unless(members == compact_members(terms, members.get("cty")), "form")
        return open_sealed(algorithm, key_of(terms, wrapped), header.encode(), *sealed)
    iv, tag = (12, 16) if algorithm in GCM else (16, 32)
    refuse_unless(len(message) >= iv + tag, "form")
    return open_sealed(algorithm, key_of(terms, b""), b"", message[:iv], message[iv:-tag], message[-tag:])


def der_number(number):
    body = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes([2, len(body)]) + body


def to_der(pair):
    body = der_number(int.from_bytes(pair[:32], "big")) + der_number(int.from_bytes(pair[32:], "big"))
    return bytes([0x30, len(body)]) + body


def to_pair(der):
    r_end = 4 + der[3]
    return b"".join(int.from_bytes(number, "big").to_bytes(32, "big") for number in (der[4:r_end], der[r_end + 2 :]))


def sign(terms, data):
    if terms["algorithm"] == "HMAC-SM3":
        return peer.hmac(bytes.fromhex(terms["key"]), data)
    der = peer.sm2_sign(terms["public"], terms["key"], terms["userId"].encode(), data)
    return to_pair(der) if terms["form"] == "RS" else der


def verify(terms, data, signature):
    if terms["algorithm"] == "HMAC-SM3":
        return secrets.compare_digest(peer.hmac(bytes.fromhex(terms["key"]), data), signature)
    refuse_unless(terms["form"] == "DER" or len(signature) == 64, "form")
    return bool(peer.sm2_verify(terms["public"], terms["userId"].encode(), data, to_der(signature) if terms["form"] == "RS" else signature))


def answer(request):
    operation, terms, data = request["op"], request["terms"], bytes.fromhex(request["data"])
    if operation == "protect":
        return protect(terms, data, request.get("type")).hex()
    if operation == "unprotect":
        return unprotect(terms, data).hex()
    if operation == "sign":
        return sign(terms, data).hex()
    return verify(terms, data, bytes.fromhex(request["signature"]))


for line in sys.stdin:
    try:
        reply = {"result": answer(json.loads(line))}
    except Refused as refusal:
        reply = {"error": str(refusal)}
    print(json.dumps(reply), flush=True)
