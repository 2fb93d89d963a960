"""Pictures by the letter of their formats, from NumPy arrays and the standard library alone, and a decoder of PNG.

    picture_files.py write DIR    NAME.png and NAME.tif, and expected.json: of each its size {width, height}, its channels
                                  (rows from the top) and its labels, null where it has none; and what must be refused
    picture_files.py decode FILE  FILE.json: width, height, bits, colour type and samples of a PNG
"""
import json
import struct
import sys
import zlib

import numpy

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG's colour types
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]  # x, y, steps
RANDOM = numpy.random.RandomState(12)


def packed_row(row, bits):
    """Samples of one row as bytes; the first lies in the highest bits."""
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype(numpy.uint8).tobytes()
    single = (row.astype(int).reshape(-1, 1) >> numpy.arange(bits - 1, -1, -1)) & 1
    return numpy.packbits(single.ravel().astype(numpy.uint8)).tobytes()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(samples, bits, colour_type, palette=None, interlaced=False, further=(), size=None):
    """`further` chunks: one before the palette, the others behind it."""
    height, width = size or samples.shape[:2]
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
    rows = b"".join(b"\0" + packed_row(row.ravel(), bits) for part in passes if part.size for row in part)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlaced))
    content += b"".join(chunk(kind, bytes_) for kind, bytes_ in further[:1])
    if palette is not None:
        content += chunk(b"PLTE", numpy.asarray(palette, numpy.uint8).tobytes())
    content += b"".join(chunk(kind, bytes_) for kind, bytes_ in further[1:])
    return content + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff_bytes(samples, bits, order):
    """Of a strip or tile; rows begin at a byte."""
    if bits < 8:
        return b"".join(packed_row(row.ravel(), bits) for row in samples)
    return samples.astype(samples.dtype.newbyteorder(order)).tobytes()


def tiff(samples, photometric, bits=None, order="<", planes=False, tile=None, rows_per_strip=None, palette=None, extra=None,
         deflate=False, pages=1, **tags):
    """`tags` by number, "t274": orientation. None leaves a tag out. What the strips hold stands at the very end."""
    bits = bits or 8 * samples.dtype.itemsize
    height, width = samples.shape[:2]
    count = 1 if samples.ndim == 2 else samples.shape[2]
    parts = []
    for plane in (numpy.moveaxis(samples, 2, 0) if planes else [samples]):
        if tile:
            padded = numpy.zeros((-(-height // tile) * tile, -(-width // tile) * tile, *plane.shape[2:]), plane.dtype)
            padded[:height, :width] = plane
            parts += [padded[y:y + tile, x:x + tile] for y in range(0, height, tile) for x in range(0, width, tile)]
        else:
            step = rows_per_strip or height
            parts += [plane[y:y + step] for y in range(0, height, step)]
    parts = [tiff_bytes(part, bits, order) for part in parts]
    if deflate:
        parts = [zlib.compress(part) for part in parts]
    entries = {256: [width], 257: [height], 258: [bits] * count, 259: [8 if deflate else 1], 262: [photometric],
               277: [count], 284: [2 if planes else 1], 339: [{"f": 3, "i": 2, "u": 1}[samples.dtype.kind]] * count}
    entries |= {322: [tile], 323: [tile]} if tile else {278: [rows_per_strip or height]}
    if palette is not None:
        entries[320] = numpy.asarray(palette).T.ravel().tolist()
    if extra is not None:
        entries[338] = [extra]
    entries |= {int(tag[1:]): value for tag, value in tags.items()}
    entries = {tag: value for tag, value in sorted(entries.items()) if value is not None}

    places, lengths = (324, 325) if tile else (273, 279)
    kinds = {places: "I", lengths: "I"}
    entries[places], entries[lengths] = [0] * len(parts), [len(part) for part in parts]
    directory_bytes = 2 + 12 * len(entries) + 4
    outside = {tag: len(value) * struct.calcsize(kinds.get(tag, "H")) for tag, value in entries.items()}
    outside = {tag: length for tag, length in outside.items() if length > 4}
    page_bytes = directory_bytes + sum(outside.values())
    first = 8 + pages * page_bytes
    entries[places] = [first + sum(map(len, parts[:n])) for n in range(len(parts))]
    content = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    for page in range(pages):
        start = 8 + page * page_bytes
        directory, values = struct.pack(order + "H", len(entries)), b""
        for tag, value in sorted(entries.items()):
            kind = kinds.get(tag, "H")
            stored = struct.pack(order + str(len(value)) + kind, *value)
            if tag in outside:
                stored, values = struct.pack(order + "I", start + directory_bytes + len(values)), values + stored
            directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(value)) + stored.ljust(4, b"\0")
        following = start + page_bytes if page + 1 < pages else 0
        content += directory + struct.pack(order + "I", following) + values
    return content + b"".join(parts)


def integers(bits, *shape):
    return RANDOM.randint(0, 1 << bits, shape)


def write(folder):
    expected = {}

    def save(name, content, channels=None, labels=None):
        """`channels` [height, width, channels] or [height, width]."""
        with open(f"{folder}/{name}", "wb") as out:
            out.write(content)
        if channels is None:
            return
        channels = numpy.atleast_3d(channels)
        expected[name] = {"size": [channels.shape[1], channels.shape[0]],
                          "channels": [channels[..., c].ravel().tolist() for c in range(channels.shape[2])],
                          "labels": None if labels is None else labels.ravel().tolist()}

    for bits in [1, 2, 4, 8, 16]:
        grey = integers(bits, 5, 11)
        for interlaced in [False, True]:
            name = f"grey{bits}" + ("_interlaced" if interlaced else "")
            save(name + ".png", png(grey, bits, GREY, interlaced=interlaced), grey, grey)
    for bits in [1, 2, 4, 8]:
        palette, indices = integers(8, 1 << bits, 3), integers(bits, 4, 7)
        save(f"palette{bits}.png", png(indices, bits, PALETTE, palette), palette[indices], indices)
    for bits in [8, 16]:
        colours = integers(bits, 4, 6, 4)
        save(f"rgb{bits}.png", png(colours[..., :3], bits, RGB), colours[..., :3])
        save(f"rgba{bits}.png", png(colours, bits, RGBA, interlaced=bits == 16), colours[..., :3])
        save(f"grey_alpha{bits}.png", png(colours[..., :2], bits, GREY_ALPHA), colours[..., 0], colours[..., 0])
    grey, palette, indices = integers(8, 5, 3), integers(8, 6, 3), RANDOM.randint(0, 6, (5, 3))
    save("transparent_grey.png", png(grey, 8, GREY, further=[(b"tRNS", b"\0\x07")]), grey, grey)
    physical, gamma = (b"pHYs", struct.pack(">IIB", 2000, 1000, 1)), (b"gAMA", struct.pack(">I", 100000))
    save("transparent_palette.png", png(indices, 8, PALETTE, palette, further=[gamma, (b"tRNS", b"\0\x80"), physical]),
         palette[indices], indices)

    for order, name in [("<", "little"), (">", "big")]:
        for kind in ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"]:
            voxels = RANDOM.randint(0, 120, (5, 7)).astype(kind)
            if voxels.itemsize > 1:
                voxels[0, 0] = 30001  # both bytes
            if kind[0] != "u":
                voxels[1, 1] = -5
            save(f"grey_{kind}_{name}.tif", tiff(voxels, 1, order=order), voxels, voxels)
        colours = integers(16, 5, 7, 4).astype(numpy.uint16)
        save(f"rgb_{name}.tif", tiff(colours[..., :3], 2, order=order), colours[..., :3])
        save(f"planes_{name}.tiff", tiff(colours[..., :3], 2, order=order, planes=True), colours[..., :3])
    for bits in [1, 2, 4]:
        grey, palette = integers(bits, 21, 19).astype(numpy.uint8), integers(16, 1 << bits, 3)
        save(f"grey{bits}.tif", tiff(grey, 1, bits=bits), grey, grey)
        save(f"white{bits}.tif", tiff(grey, 0, bits=bits), (1 << bits) - 1 - grey.astype(int))
        save(f"palette{bits}.tif", tiff(grey, 3, bits=bits, palette=palette), palette[grey], grey)
        save(f"tiles{bits}.tif", tiff(grey, 1, bits=bits, tile=16), grey, grey)
    grey, colours, palette = integers(8, 21, 37).astype("u1"), integers(8, 21, 37, 4).astype("u1"), integers(16, 256, 3)
    save("white.tif", tiff(grey, 0), 255 - grey.astype(int))
    save("palette.tif", tiff(grey, 3, palette=palette), palette[grey], grey)
    save("strips.tif", tiff(grey, 1, rows_per_strip=4), grey, grey)
    save("tiles.tif", tiff(grey, 1, tile=16), grey, grey)
    save("deflated.tif", tiff(grey, 1, deflate=True, rows_per_strip=8), grey, grey)
    save("rgb_tiles.TIF", tiff(colours[..., :3], 2, tile=16, deflate=True), colours[..., :3])
    save("plane_tiles.tif", tiff(colours[..., :3], 2, tile=16, planes=True), colours[..., :3])
    save("rgba.tif", tiff(colours, 2, extra=2), colours[..., :3])
    save("rgba_planes.tif", tiff(colours, 2, extra=1, planes=True), colours[..., :3])
    save("rgba_unsaid.tif", tiff(colours, 2, extra=0), colours[..., :3])
    save("grey_alpha.tif", tiff(colours[..., :2], 1, extra=2), colours[..., 0], colours[..., 0])
    save("resolution.tif", tiff(grey, 1, t296=[3]), grey, grey)

    holes = RANDOM.uniform(-2, 2, (4, 5)).astype("f4")
    save("fractions.tif", tiff(holes, 1), holes)
    holes[1, 2], holes[0, 0], holes[3, 4] = numpy.nan, numpy.inf, -numpy.inf
    filled = holes.copy()
    filled[~numpy.isfinite(filled)] = 0
    save("holes.tif", tiff(holes, 1), filled)
    near = numpy.array([[0, 2.9995], [4, 1]], "f4")
    save("near.tif", tiff(near, 1), near, numpy.rint(near).astype(int))

    save("pages.tif", tiff(grey, 1, pages=3))
    save("turned.tif", tiff(grey, 1, t274=[3]))
    save("inks.tif", tiff(colours, 5))
    save("two_channels.tif", tiff(colours[..., :2], 1, extra=0))
    save("unsaid.tif", tiff(grey, 1, t262=None))
    save("twelve_bits.tif", tiff(grey, 1, t258=[12]))
    save("white_and_signed.tif", tiff(grey.astype("i2"), 0))
    save("huge.tif", tiff(grey, 1, t256=[60000], t257=[60000]))
    save("huge.png", png(grey, 8, GREY, size=(60000, 60000)))
    save("beyond_palette.png", png(numpy.array([[0, 5]]), 8, PALETTE, [[1, 2, 3]] * 5))
    save("in_fact.tif", png(grey, 8, GREY))
    save("in_fact.png", tiff(grey, 1))
    bad = bytearray(png(grey, 8, GREY))
    bad[-20] ^= 0xFF  # of the pixels' checksum
    save("damaged.png", bytes(bad))
    with open(f"{folder}/expected.json", "w") as out:
        json.dump(expected, out)


def unfiltered(content, height, stride, step):
    """PNG's five filters, undone."""
    rows, above = [], bytearray(stride)
    for y in range(height):
        kind, row = content[y * (stride + 1)], bytearray(content[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left, up, corner = (row[x - step] if x >= step else 0), above[x], (above[x - step] if x >= step else 0)
            nearest = min([left, up, corner], key=lambda value: abs(left + up - corner - value))
            row[x] = (row[x] + [0, left, up, (left + up) // 2, nearest][kind]) & 0xFF
        rows.append(bytes(row))
        above = row
    return b"".join(rows)


def decode(file):
    with open(file, "rb") as opened:
        content = opened.read()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    place, compressed, header = 8, b"", None
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place:place + 8])
        inside = content[place + 8:place + 8 + length]
        assert struct.unpack(">I", content[place + 8 + length:place + 12 + length])[0] == zlib.crc32(kind + inside)
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", inside)
        compressed += inside if kind == b"IDAT" else b""
        place += 12 + length
    assert kind == b"IEND" and header[4:] == (0, 0, 0), header
    width, height, bits, colour_type = header[:4]
    step = {GREY: 1, RGB: 3}[colour_type] * bits // 8
    bytes_ = unfiltered(zlib.decompress(compressed), height, width * step, step)
    samples = numpy.frombuffer(bytes_, {8: "u1", 16: ">u2"}[bits])
    with open(file + ".json", "w") as out:
        json.dump({"width": width, "height": height, "bits": bits, "colour_type": colour_type, "samples": samples.tolist()}, out)


{"write": write, "decode": decode}[sys.argv[1]](sys.argv[2])
