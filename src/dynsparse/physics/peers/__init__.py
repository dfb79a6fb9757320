"""What people use today for transition Jacobians, each at its best: what the benchmark measures against.

Two finite-difference peers on MuJoCo's C engine and plain autodiff through MJX.  None of them is
used by the rest of the library.
"""
