"""Plants personal data in messages, and looks for it in what a run has left.

It shares nothing with what masks: numbers, check characters and every way of reading a text are its own.

plan SEED COUNT     writes messages and the values in them, as JSON
search FOLDER       reads values from standard input, writes where one stands in a file of the folder; never the value
"""

import base64
import binascii
import html
import json
import os
import random
import re
import sys
import unicodedata
import urllib.parse
from xml.sax.saxutils import escape, quoteattr

ISSUERS = ["622202", "622848", "621700", "621661"]
REGIONS = ["110105", "310101", "440305", "510104", "330106"]
MOBILES = ["138", "139", "150", "186", "199", "177"]
SURNAMES = "王李张刘陈杨赵黄周吴"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英"
SEPARATORS = ["", " ", "-", "\u00a0", "  ", "\u2013"]


def luhn(body):
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


class Planter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = []

    def digits(self, count):
        return "".join(self.random.choice("0123456789") for _ in range(count))

    def keep(self, value):
        self.values.append(value)
        return value

    def card(self):
        return self.keep(luhn(self.random.choice(ISSUERS) + self.digits(self.random.choice([9, 12]))))

    def identity(self):
        born = "%04d%02d%02d" % (self.random.randint(1950, 2004), self.random.randint(1, 12), self.random.randint(1, 28))
        body = self.random.choice(REGIONS) + born + self.digits(3)
        rest = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body)) % 11
        return self.keep(body + "10X98765432"[rest])

    def phone(self):
        return self.keep(self.random.choice(MOBILES) + self.digits(8))

    def email(self):
        return self.keep("user.%s@mail%s.com" % (self.digits(6), self.digits(3)))

    def name(self):
        return self.keep(self.random.choice(SURNAMES) + "".join(self.random.sample(GIVEN, 2)))

    def printed(self):
        """A card as people print it."""
        card = self.card()
        separator = self.random.choice(SEPARATORS)
        return separator.join(card[at : at + 4] for at in range(0, len(card), 4))

    def wide(self, digits):
        return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)

    def named(self):
        return {
            "cardNo": self.card(),
            "payer": {"ID_CARD": self.identity(), "list": [{"mobile": int(self.phone())}, {"custName": self.name()}]},
            "ｃａｒｄＮｏ": self.card(),
            "order.payee.cardNo": self.card(),
            "c\u200bard_no": self.card(),
            "inner": json.dumps({"a": [{"cardNo": self.card(), "持卡人": self.name()}]}, ensure_ascii=False),
            "log": "req=%s took 3 ms" % json.dumps({"cardNo": self.card(), "x": {"phone": self.phone()}}),
            "cut": '{"b":1} then {"custName":"%s","cardNo":"%s","na' % (self.name(), self.card()),
            "page": "got <r><cardNo>%s</cardNo><n custName=%s/></r>." % (self.card(), quoteattr(self.name())),
            "email": self.email(),
        }

    def text(self):
        return "卡号 %s，电话%s；证件 %s, mail %s，%s %s." % (
            self.printed(),
            self.phone(),
            self.identity(),
            self.email(),
            self.wide(self.card()),
            urllib.parse.quote(json.dumps({"t": self.phone()})),
        )

    def json(self, detects):
        message = self.named()
        if detects:
            message["remark"] = self.text()
            message["n"] = int(self.card())
        return json.dumps(message, ensure_ascii=self.random.random() < 0.5)

    def xml(self, detects):
        more = "<memo>%s</memo>beside %s<b/>" % (escape(self.text()), self.phone()) if detects else ""
        return '<doc custName=%s><p:cardNo xmlns:p="urn:p" p:mobile=%s>%s</p:cardNo><x><phone><![CDATA[%s]]></phone></x>%s</doc>' % (
            quoteattr(self.name()),
            quoteattr(self.phone()),
            self.card(),
            self.phone(),
            more,
        )

    def form(self, detects):
        parts = {"cardNo": self.card(), "user[custName]": self.name(), "biz": json.dumps(self.named(), ensure_ascii=False)}
        if detects:
            parts["memo"] = self.text()
        return urllib.parse.urlencode(parts)

    def events(self):
        return "".join(
            ": %s\nid: %s\nevent: of %s\ndata: %s\n\n" % (self.phone(), self.phone(), self.card(), json.dumps({"cardNo": self.card(), "t": self.text()}))
            for _ in range(3)
        )

    def case(self, number):
        kind = ["json", "xml", "form", "events"][number % 4]
        make = {"json": self.json, "xml": self.xml, "form": self.form, "events": self.json}[kind]
        return {
            "kind": kind,
            "path": "/%s?a=1&%s" % (kind, urllib.parse.urlencode({"card_no": self.card(), "q": self.phone()})),
            "phone": self.phone(),
            "cookie": "b=2; pan=%s; uid=%s" % (self.card(), self.keep("uid%s" % self.digits(12))),
            "request": make(False),
            "response": self.events() if kind == "events" else make(True),
            "answerPhone": self.phone(),
            "setCookie": "uid=%s; Path=/" % self.keep("uid%s" % self.digits(12)),
        }


def readings(text):
    """A text as anything that reads it may take it."""
    seen = [text]
    for _ in range(4):
        text = unicodedata.normalize("NFKC", text)
        text = urllib.parse.unquote(html.unescape(text), errors="replace")
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found.group(1), 16)), text)
        text = re.sub("[\u200b-\u200f\u2060\ufeff]", "", text)
        if text == seen[-1]:
            break
        seen.append(text)
    decoded = []
    for run in re.findall(r"[A-Za-z0-9+/_-]{16,}={0,2}", seen[-1]):
        plain = run.rstrip("=").translate(str.maketrans("-_", "+/"))
        for begin in range(4):
            part = plain[begin : begin + (len(plain) - begin) // 4 * 4]
            decoded.append(base64.b64decode(part, validate=False).decode("utf-8", "replace"))
        if re.fullmatch(r"[0-9a-fA-F]+", run):
            decoded.append(binascii.unhexlify(run[: len(run) // 2 * 2]).decode("utf-8", "replace"))
    return seen + ["\n".join(decoded)]


def indexed(values, size, fits):
    """Values by their first characters."""
    index = {}
    for number, value in enumerate(values):
        if fits(len(value)):
            index.setdefault(value[:size], []).append((number, value))
    return index


def standing(text, index, size, found):
    for at in range(len(text) - size + 1):
        for number, value in index.get(text[at : at + size], ()):
            if text.startswith(value, at):
                found.add(number)


def search(folder, values):
    """Linear in the files, whatever the number of values is."""
    long = indexed(values, 8, lambda length: length >= 8)
    short = indexed(values, 3, lambda length: length < 8)
    numbers = indexed(values, 8, lambda length: length > 14)
    result = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            texts = readings(file.read().decode("utf-8", "replace"))
        found = set()
        for text in texts:
            standing(text, long, 8, found)
            standing(text, short, 3, found)
        standing(re.sub("[\\s\u00a0.+\u2010-\u2015-]+", "", texts[-2]), numbers, 8, found)
        result += [{"file": name, "value": number} for number in sorted(found)]
    return result


def main():
    if sys.argv[1] == "plan":
        planter = Planter(int(sys.argv[2]))
        cases = [planter.case(number) for number in range(int(sys.argv[3]))]
        json.dump({"cases": cases, "values": planter.values}, sys.stdout)
    else:
        json.dump(search(sys.argv[2], json.load(sys.stdin)), sys.stdout)


main()
