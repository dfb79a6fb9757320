"""Functions of one row as machine code for many: traced by JAX, folded scalar by scalar, built by LLVM."""
