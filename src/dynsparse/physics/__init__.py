"""The physics: environments, one control step, and its exact Jacobian."""
