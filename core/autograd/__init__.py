"""PyTorch from the inside: the graph behind a value, modules, and the rules that optimizers follow."""
