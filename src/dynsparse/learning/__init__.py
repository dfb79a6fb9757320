"""Learned world models: how they are trained on data with Jacobians, and how their Jacobians are judged."""
