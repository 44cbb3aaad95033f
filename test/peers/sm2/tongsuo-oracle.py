"""SM2 of Tongsuo (BabaSSL 8.3.2) by ctypes, from the shared object in the wheel tongsuopy-crayon. JSON lines in and out, all binary values hex:
{"op": "sign" | "verify" | "encrypt" | "decrypt" | "agree", ...} -> {"result": hex or bool} or {"error": text}. Signatures and ciphertexts are ASN.1."""
import ctypes
import glob
import importlib.util
import json
import os
import sys
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p, create_string_buffer

spec = importlib.util.find_spec("tongsuopy")
lib = ctypes.CDLL(glob.glob(os.path.join(spec.submodule_search_locations[0], "backends", "_tongsuo*.so"))[0])

NID_SM2 = 1172
CTRL_SET_ID = 0x100B
P, S, I, Z = c_void_p, c_char_p, c_int, c_size_t


def declare(name, result, *arguments):
    function = getattr(lib, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


new_key = declare("EC_KEY_new_by_curve_name", P, I)
set_private = declare("EC_KEY_set_private_key", I, P, P)
set_public = declare("EC_KEY_set_public_key", I, P, P)
group_of = declare("EC_KEY_get0_group", P, P)
free_key = declare("EC_KEY_free", None, P)
new_point = declare("EC_POINT_new", P, P)
free_point = declare("EC_POINT_free", None, P)
read_point = declare("EC_POINT_oct2point", I, P, P, S, Z, P)
read_number = declare("BN_bin2bn", P, S, I, P)
free_number = declare("BN_free", None, P)
new_pkey = declare("EVP_PKEY_new", P)
set_key = declare("EVP_PKEY_set1_EC_KEY", I, P, P)
set_alias = declare("EVP_PKEY_set_alias_type", I, P, I)
free_pkey = declare("EVP_PKEY_free", None, P)
new_context = declare("EVP_PKEY_CTX_new", P, P, P)
free_context = declare("EVP_PKEY_CTX_free", None, P)
control = declare("EVP_PKEY_CTX_ctrl", I, P, I, I, I, I, S)
new_digest = declare("EVP_MD_CTX_new", P)
free_digest = declare("EVP_MD_CTX_free", None, P)
set_context = declare("EVP_MD_CTX_set_pkey_ctx", None, P, P)
sm3 = declare("EVP_sm3", P)
sign_init = declare("EVP_DigestSignInit", I, P, P, P, P, P)
sign = declare("EVP_DigestSign", I, P, P, P, S, Z)
verify_init = declare("EVP_DigestVerifyInit", I, P, P, P, P, P)
verify = declare("EVP_DigestVerify", I, P, S, Z, S, Z)
encrypt_init = declare("EVP_PKEY_encrypt_init", I, P)
encrypt = declare("EVP_PKEY_encrypt", I, P, P, P, S, Z)
decrypt_init = declare("EVP_PKEY_decrypt_init", I, P)
decrypt = declare("EVP_PKEY_decrypt", I, P, P, P, S, Z)
agree = declare("SM2_compute_key", I, P, Z, I, S, Z, S, Z, P, P, P, P, P)
clear_errors = declare("ERR_clear_error", None)


def need(good):
    if good is None or good <= 0:
        raise ValueError("refused")


def key_of(request, public="public", secret="secret"):
    """EC_KEY with the point of the request, and its scalar where there is one."""
    key = new_key(NID_SM2)
    point = new_point(group_of(key))
    encoded = bytes.fromhex(request[public])
    need(read_point(group_of(key), point, encoded, len(encoded), None))
    need(set_public(key, point))
    free_point(point)
    if secret in request:
        number = read_number(bytes.fromhex(request[secret]), 32, None)
        need(set_private(key, number))
        free_number(number)
    return key


def with_pkey(request, run):
    key, pkey = key_of(request), new_pkey()
    try:
        need(set_key(pkey, key))
        need(set_alias(pkey, NID_SM2))
        return run(pkey)
    finally:
        free_pkey(pkey)
        free_key(key)


def signature(request, pkey, verifying):
    identity, message = bytes.fromhex(request["id"]), bytes.fromhex(request["message"])
    context, digest = new_context(pkey, None), new_digest()
    try:
        need(control(context, -1, -1, CTRL_SET_ID, len(identity), identity))
        set_context(digest, context)
        if verifying:
            need(verify_init(digest, None, sm3(), None, pkey))
            given = bytes.fromhex(request["signature"])
            return verify(digest, given, len(given), message, len(message)) == 1
        need(sign_init(digest, None, sm3(), None, pkey))
        length, out = c_size_t(128), create_string_buffer(128)
        need(sign(digest, out, byref(length), message, len(message)))
        return out.raw[: length.value].hex()
    finally:
        free_digest(digest)
        free_context(context)


def crypt(pkey, data, init, run):
    context = new_context(pkey, None)
    try:
        need(init(context))
        length = c_size_t(0)
        need(run(context, None, byref(length), data, len(data)))
        out = create_string_buffer(length.value + 16)
        need(run(context, out, byref(length), data, len(data)))
        return out.raw[: length.value].hex()
    finally:
        free_context(context)


def shared_key(request):
    own_id, peer_id = bytes.fromhex(request["ownId"]), bytes.fromhex(request["peerId"])
    keys = [key_of(request, "peerEphemeral", ""), key_of(request, "ephemeral", "ephemeralSecret"), key_of(request, "peer", ""), key_of(request)]
    server = 1 if request["initiator"] else 0  # in TLCP the server speaks first: it is side A of the standard
    out = create_string_buffer(request["length"])
    try:
        need(agree(out, request["length"], server, peer_id, len(peer_id), own_id, len(own_id), *keys, sm3()))
        return out.raw.hex()
    finally:
        for key in keys:
            free_key(key)


def answer(request):
    operation = request["op"]
    if operation in ("sign", "verify"):
        return with_pkey(request, lambda pkey: signature(request, pkey, operation == "verify"))
    if operation == "encrypt":
        return with_pkey(request, lambda pkey: crypt(pkey, bytes.fromhex(request["text"]), encrypt_init, encrypt))
    if operation == "decrypt":
        return with_pkey(request, lambda pkey: crypt(pkey, bytes.fromhex(request["ciphertext"]), decrypt_init, decrypt))
    if operation == "agree":
        return shared_key(request)
    raise ValueError("no such operation")


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            reply = {"result": answer(json.loads(line))}
        except ValueError as error:
            clear_errors()
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)
