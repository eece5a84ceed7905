"""Writes vectors.txt: messages compressed by Python's zlib, one connection a paragraph.

The first line of a paragraph says the window's bits and whether messages refer to those before; then comes a
line for each message: its number, see `message` here and in vectors.rs, and its payload.
"""
import itertools, pathlib, zlib


def message(n):
    text = "".join(f"{{\"id\":{n * 7919 % 1009},\"at\":{n + k * 31 % 97},\"ok\":\"\u00e4\"}}" for k in range(n * n % 41))
    return text.encode()


def deflate(encoder, data):
    packed = encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH)
    assert packed.endswith(b"\x00\x00\xff\xff")
    return packed[:-4]


out = []
for bits, takeover in itertools.product(range(9, 16), [True, False]):
    level, strategy = [(6, zlib.Z_DEFAULT_STRATEGY), (9, zlib.Z_FIXED), (1, zlib.Z_HUFFMAN_ONLY), (0, 0)][bits % 4]
    new = lambda: zlib.compressobj(level, zlib.DEFLATED, -bits, 8, strategy)
    encoder = new()
    out.append(f"{bits} {'takeover' if takeover else 'alone'}")
    for n in [3, 3, 4, 17, 5, 4] if level else [1, 4]:
        out.append(f"{n} {deflate(encoder, message(n)).hex()}")
        encoder = encoder if takeover else new()
    out.append("")
pathlib.Path(__file__).with_name("vectors.txt").write_text("\n".join(out))
