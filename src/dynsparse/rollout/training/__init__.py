"""Training of experts: PPO on many episodes side by side, with control steps in machine code."""
