"""Control groups by lot: who is left alone, the same customers every night, on every machine, at every larger share."""

from __future__ import annotations

from hashlib import sha256

BUCKETS = 10_000
HOLDOUT = "global-v1"
"""The salt by which customers are left alone by every audience."""
DISCOUNTS = "discounts-v1"
"""The salt by which customers get no discount."""


def bucket(salt: str, customer_id: str) -> int:
    """0 to 9,999, of equal chance; of two salts independent of each other."""
    return int(sha256(f"{salt}\x1f{customer_id}".encode()).hexdigest()[:15], 16) % BUCKETS


def is_left_alone(salt: str, share: float, customer_id: str) -> bool:
    """Whether the lot falls on a customer. `share`: 0.1 for a tenth."""
    return share > 0 and bucket(salt, customer_id) < round(BUCKETS * share)
