"""Rollouts: policies and the collection of trajectories with Jacobians."""
