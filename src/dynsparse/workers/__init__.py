"""Child processes that compute batches: start, feed, time out, replace.

A worker is fed over pipes with a small binary protocol.  It ends when its parent does, however the
parent ends, and it never imports the user's ``__main__``.
"""

from __future__ import annotations

from dynsparse.workers.cores import worker_count
from dynsparse.workers.pool import WorkerPool
from dynsparse.workers.protocol import Message

__all__ = ["Message", "WorkerPool", "worker_count"]
