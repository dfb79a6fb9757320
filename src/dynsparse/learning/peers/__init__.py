"""Peers: the same training by other means, to measure speed against; each in a process of its own."""
