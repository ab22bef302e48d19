"""Speeds and prices of GPUs. No speed was measured: each is computed, and says from what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One kind of GPU with one precision.

    Args:
        rtf_first: Real-time factor of a chunk of 10 s that is spoken alone.
        rtf_rest: Real-time factor of the later chunks of a request, fifteen in a batch.
        origin: Where the two figures come from.
        flex_price: USD for a second of a flex worker.
        active_price: USD for a second of an active worker.
    """

    rtf_first: float
    rtf_rest: float
    origin: str
    flex_price: float
    active_price: float


PRICES_FROM = "RunPod's page on Serverless pricing, as read in November 2026"

GPUS = {
    "h100": Gpu(
        rtf_first=0.086,
        rtf_rest=0.0155,
        origin="computed from counted kernels and bytes, half precision, the slower bound",
        flex_price=0.00116,
        active_price=0.00093,
    ),
    "h100-float32": Gpu(
        rtf_first=0.12,
        rtf_rest=0.056,
        origin="computed from counted kernels and bytes, float32",
        flex_price=0.00116,
        active_price=0.00093,
    ),
    "4090": Gpu(
        rtf_first=0.10,
        rtf_rest=0.031,
        origin="computed from bytes and operations alone, half precision: a lower bound",
        flex_price=0.00031,
        active_price=0.00021,
    ),
}
"""GPUs by their name on the command line.

With ``a`` for one chunk of 10 s and ``b`` for sixteen, both real-time factors of a whole request,
``rtf_rest`` is ``(160 b - 10 a) / 150``.
"""
