"""The messages between the decoder and its process, over a pipe in each direction.

A request is its header and the recording's bytes; the answer is one or more messages, of which the
last is no ``BLOCK``. Nothing is pickled: the decoding process has touched hostile bytes, and what
comes from it is checked like those.
"""

import struct

READY = b"R"
"""The first byte from a decoding process: it has loaded its libraries."""

DECODE = b"d"
COUNT = b"c"
REQUEST = struct.Struct("<cdQ")
"""``DECODE`` or ``COUNT``, the limit in seconds, the bytes that follow."""

BLOCK = b"b"
"""Followed by float32 samples, all channels in turn."""
SECONDS = b"s"
"""Followed by a float64."""
END = b"e"
REFUSED = b"r"
"""Followed by the reason in UTF-8."""
ANSWER = struct.Struct("<cIIQ")
"""The kind, the rate in Hz and the channels of a ``BLOCK`` else 0, the bytes that follow."""
FLOAT64 = struct.Struct("<d")
