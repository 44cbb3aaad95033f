"""SM4, AES, HMAC-SM3, HKDF-SM3 and SM2 of Tongsuo by ctypes; `counterparty.py` loads it. What does not open raises ValueError."""
import ctypes
import importlib.util
import os
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_void_p, create_string_buffer

spec = importlib.util.spec_from_file_location("tongsuo_oracle", os.path.join(os.path.dirname(__file__), "../sm2/tongsuo-oracle.py"))
sm2 = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sm2)

P, S, I, Z = c_void_p, c_char_p, c_int, c_size_t
SET_IV_LENGTH, GET_TAG, SET_TAG = 0x9, 0x10, 0x11
NID_HKDF, HKDF_MD, HKDF_KEY, HKDF_INFO = 1036, 0x1003, 0x1005, 0x1006
DERIVE = 1 << 10

new_cipher = sm2.declare("EVP_CIPHER_CTX_new", P)
free_cipher = sm2.declare("EVP_CIPHER_CTX_free", None, P)
control = sm2.declare("EVP_CIPHER_CTX_ctrl", I, P, I, I, P)
cipher_init = sm2.declare("EVP_CipherInit_ex", I, P, P, P, S, S, I)
cipher_update = sm2.declare("EVP_CipherUpdate", I, P, P, P, S, I)
cipher_final = sm2.declare("EVP_CipherFinal_ex", I, P, P, P)
hmac_of = sm2.declare("HMAC", P, P, S, I, S, Z, P, P)
kdf_new = sm2.declare("EVP_PKEY_CTX_new_id", P, I, P)
kdf_control = sm2.declare("EVP_PKEY_CTX_ctrl", I, P, I, I, I, I, P)
kdf_init = sm2.declare("EVP_PKEY_derive_init", I, P)
kdf_derive = sm2.declare("EVP_PKEY_derive", I, P, P, P)
NAMES = ("sm4_gcm", "aes_256_gcm", "sm4_cbc", "sm4_ctr")
CIPHERS = {name: sm2.declare(f"EVP_{name}", P)() for name in NAMES}


def need(good):
    if good is None or good <= 0:
        sm2.clear_errors()
        raise ValueError("refused")


def run(name, key, iv, data, encrypting, aad=b"", tag=None):
    """The text and, of an encrypting AEAD, its tag."""
    context = new_cipher()
    try:
        need(cipher_init(context, CIPHERS[name], None, None, None, encrypting))
        if name.endswith("gcm"):
            need(control(context, SET_IV_LENGTH, len(iv), None))
        need(cipher_init(context, None, None, key, iv, encrypting))
        length, total, out = c_int(0), 0, create_string_buffer(len(data) + 32)
        if aad:
            need(cipher_update(context, None, byref(length), aad, len(aad)))
        if tag is not None:
            need(control(context, SET_TAG, len(tag), create_string_buffer(tag, len(tag))))
        need(cipher_update(context, out, byref(length), data, len(data)))
        total = length.value
        need(cipher_final(context, ctypes.addressof(out) + total, byref(length)))
        total += length.value
        made = create_string_buffer(16)
        if encrypting and name.endswith("gcm"):
            need(control(context, GET_TAG, 16, made))
        return out.raw[:total], made.raw
    finally:
        free_cipher(context)


def gcm_seal(name, key, iv, aad, text):
    return run(name, key, iv, text, 1, aad)


def gcm_open(name, key, iv, aad, ciphertext, tag):
    return run(name, key, iv, ciphertext, 0, aad, tag)[0]


def crypt(name, key, iv, data, encrypting):
    return run(name, key, iv, data, 1 if encrypting else 0)[0]


def hmac(key, data):
    out, length = create_string_buffer(32), c_uint(0)
    need(hmac_of(sm2.sm3(), key, len(key), data, len(data), out, byref(length)))
    return out.raw[: length.value]


def hkdf(key, info, length):
    context = kdf_new(NID_HKDF, None)
    try:
        need(kdf_init(context))
        need(kdf_control(context, -1, DERIVE, HKDF_MD, 0, sm2.sm3()))
        need(kdf_control(context, -1, DERIVE, HKDF_KEY, len(key), create_string_buffer(key, len(key))))
        need(kdf_control(context, -1, DERIVE, HKDF_INFO, len(info), create_string_buffer(info, len(info))))
        out, size = create_string_buffer(length), c_size_t(length)
        need(kdf_derive(context, out, byref(size)))
        return out.raw[: size.value]
    finally:
        sm2.free_context(context)


def sm2_encrypt(public, text):
    return bytes.fromhex(sm2.answer({"op": "encrypt", "public": public, "text": text.hex()}))


def sm2_decrypt(public, secret, ciphertext):
    return bytes.fromhex(sm2.answer({"op": "decrypt", "public": public, "secret": secret, "ciphertext": ciphertext.hex()}))


def sm2_sign(public, secret, user_id, data):
    return bytes.fromhex(sm2.answer({"op": "sign", "public": public, "secret": secret, "id": user_id.hex(), "message": data.hex()}))


def sm2_verify(public, user_id, data, signature):
    return sm2.answer({"op": "verify", "public": public, "id": user_id.hex(), "message": data.hex(), "signature": signature.hex()})
