"""The peer, dask-cloudprovider, in a Python environment of its own on the same local AWS."""

from bench.peer.measure import Peer, measure

__all__ = ["Peer", "measure"]
