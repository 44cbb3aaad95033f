# The oracle: expat. A document in base64 a line in, the tree as JSON or null a line out. Document types are refused, as the reader refuses them.
import base64
import json
import sys
import xml.parsers.expat


SEPARATOR = '\x1f'  # no character of XML


class Refused(Exception):
    pass


def parse(document):
    parser = xml.parsers.expat.ParserCreate(namespace_separator=SEPARATOR)
    parser.namespace_prefixes = True
    parser.ordered_attributes = True
    parser.buffer_text = True
    root = ['', None, []]
    stack = [(root, '', [])]

    def parts(name):
        pieces = name.split(SEPARATOR)
        if len(pieces) == 1:
            return '', pieces[0], ''
        return pieces[0], pieces[1], pieces[2] if len(pieces) == 3 else ''

    def start(name, attributes):
        uri, local, _ = parts(name)
        parent, outer, _ = stack[-1]
        field = [local, '', []]
        parent[1] = None
        parent[2].append(field)
        if uri != outer:
            field[2].append(['@xmlns', uri, []])
        for i in range(0, len(attributes), 2):
            _, attribute, prefix = parts(attributes[i])
            field[2].append(['@' + (prefix + ':' if prefix else '') + attribute, attributes[i + 1], []])
        stack.append((field, uri, []))

    def end(_):
        field, _, texts = stack.pop()
        if field[1] is not None:
            field[1] = ''.join(texts)

    def refuse(*_):
        raise Refused()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: stack[-1][2].append(text)
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(document, True)
    return root[2][0]


for line in sys.stdin:
    try:
        tree = parse(base64.b64decode(line))
    except (xml.parsers.expat.ExpatError, LookupError, ValueError, Refused):
        tree = None
    print(json.dumps(tree))
